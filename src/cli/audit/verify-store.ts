import type { Head } from '../../audit/event.ts'
import { type Verification, verifyAudit } from '../../audit/verify.ts'
import type { Configuration } from '../../config/load.ts'
import { createSeal } from '../../base/seal.ts'
import { auditTrail } from '../../store/audit.ts'
import { outsideFault, readLastHead } from '../../store/last-head.ts'
import { openStoreReadOnly } from '../../store/open.ts'
import { tables } from '../../store/tables.ts'
import { Failure } from '../failure.ts'

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
  } finally {
    await opened.close()
  }
}
