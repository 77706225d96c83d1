import type { Head } from '../../audit/event.ts'
import { type Verification, verifyAudit } from '../../audit/verify.ts'
import type { Configuration } from '../../config/load.ts'
<<<<<<< HEAD
import { createSeal } from '../../base/seal.ts'
import { auditTrail } from '../../store/audit.ts'
import { outsideFault, readLastHead } from '../../store/last-head.ts'
import { openStoreReadOnly } from '../../store/open.ts'
=======
>>>>>>> f93e43b (Read the record on the command line, export it verifiably, and find whose a token is)
import { tables } from '../../store/tables.ts'
import { openRecord } from './open-record.ts'

<<<<<<< HEAD
/**
 * Verifies the record in the configuration's store, beside a running broker or
 * without one, also against the head that is kept outside it. Nothing is written.
 *
 * @throws Failure when the store cannot be read.
 */
export async function verifyStore(
  { file, store, sealKeys, audit }: Pick<Configuration, 'file' | 'store' | 'sealKeys' | 'audit'>,
  expected?: Head,
): Promise<Verification> {
  const seal = createSeal(sealKeys)
  const outside = readLastHead(audit.lastHead)
  const where = store.kind === 'sqlite' ? `the store ${store.path}` : 'the store'
  const opened = await openStoreReadOnly(store, seal).catch((error: unknown) => {
    throw new Failure(
      'failed',
      `${where} cannot be opened: ${error instanceof Error ? error.message : 'unknown error'}`,
      `Check \`store\` in ${file}, and that a broker of this version has run on it.`,
    )
  })
  try {
    const given = { trail: auditTrail(), tables, seal, expected }
    return await opened.unit.read(async (tx) => {
      const { discrepancies, ...found } = await verifyAudit(tx, given)
      const fault = outsideFault(tx, outside)
      return { ...found, discrepancies: [...discrepancies, ...(fault ? [fault] : [])] }
    })
=======
/** Verifies the record in the configuration's store. @throws Failure when it cannot be read. */
export async function verifyStore(
  configuration: Pick<Configuration, 'file' | 'store' | 'sealKeys'>,
  expected?: Head,
): Promise<Verification> {
  const { unit, audit: trail, seal, close } = await openRecord(configuration)
  try {
    return await unit.read((tx) => verifyAudit(tx, { trail, tables, seal, expected }))
>>>>>>> f93e43b (Read the record on the command line, export it verifiably, and find whose a token is)
  } finally {
    await close()
  }
}
