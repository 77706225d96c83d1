import type { AuditTrail } from '../../audit/event.ts'
import { createSeal, type Seal } from '../../base/seal.ts'
import type { Unit } from '../../base/unit.ts'
import type { Configuration } from '../../config/load.ts'
import { placeOf } from '../../store/address.ts'
import { auditTrail } from '../../store/audit.ts'
import { isNowhere } from '../../store/files.ts'
import { openStoreReadOnly } from '../../store/open.ts'
import { Failure } from '../failure.ts'

export interface OpenRecord {
  unit: Unit
  audit: AuditTrail
  seal: Seal
  close: () => Promise<void>
}

/**
 * The record in the configuration's store, beside a running broker or without one. Nothing is written.
 *
 * @throws Failure when the store cannot be read.
 */
export async function openRecord({
  file,
  store,
  sealKeys,
}: Pick<Configuration, 'file' | 'store' | 'sealKeys'>): Promise<OpenRecord> {
  const seal = createSeal(sealKeys)
  const where = `the store ${placeOf(store)}`
  const opened = await openStoreReadOnly(store, seal).catch((error: unknown) => {
    const isMissing = store.kind === 'sqlite' && isNowhere(store.path)
    const why = error instanceof Error ? error.message : 'unknown error'
    throw new Failure(
      'failed',
      `${where} cannot be opened: ${isMissing ? 'there is none yet' : why}`,
      `Check \`store\` in ${file}, and that a broker of this version has run on it.`,
    )
  })
  return { unit: opened.unit, audit: auditTrail(), seal, close: () => opened.close() }
}
