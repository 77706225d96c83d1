import type { Head } from '../../audit/event.ts'
import { type Verification, verifyAudit } from '../../audit/verify.ts'
import type { Configuration } from '../../config/load.ts'
import type { OtherSealKey } from '../../base/seal.ts'
import { outsideFault, readLastHead } from '../../store/last-head.ts'
import { otherKeyThan } from '../../store/other-key.ts'
import { isWithoutItsLog, plainCopyFault } from '../../store/plain-copy.ts'
import { tables } from '../../store/tables.ts'
import { openRecord } from './open-record.ts'

/**
 * Verifies the record in the configuration's store, beside a running broker or
 * without one, also against the head that is kept outside it. Nothing is written.
 * `otherKey` is there where it is no wonder that nothing verifies.
 *
 * @throws Failure when the store cannot be read.
 */
export async function verifyStore(
  configuration: Pick<Configuration, 'file' | 'store' | 'sealKeys' | 'audit'>,
  expected?: Head,
): Promise<Verification & { otherKey?: OtherSealKey }> {
  const outside = readLastHead(configuration.audit.lastHead)
  const { store } = configuration
  const torn = store.kind === 'sqlite' && isWithoutItsLog(store.path)
  const { unit, audit: trail, seal, close } = await openRecord(configuration)
  try {
    return await unit.read(async (tx) => {
      const { discrepancies, ...found } = await verifyAudit(tx, { trail, tables, seal, expected })
      // Where the head outside tells what is lacking, there is no more to say.
      const fault =
        (await outsideFault(tx, outside)) ?? (torn ? await plainCopyFault(tx, outside) : undefined)
      const otherKey = await otherKeyThan(tx)
      return {
        ...found,
        discrepancies: [...discrepancies, ...(fault ? [fault] : [])],
        ...(otherKey && { otherKey }),
      }
    })
  } finally {
    await close()
  }
}
