/** One connection's reads, each on a snapshot of its own. They take turns: a snapshot belongs to the connection. */
import { BrokerError } from '../base/errors.ts'
import type { Seal } from '../base/seal.ts'
import type { Unit } from '../base/unit.ts'
import { Counts } from './counts.ts'
import { isDatabaseError } from './database-error.ts'
import { openDatabase } from './node-sqlite.ts'
import type { RowMacs } from './row-macs.ts'
import { RowSums } from './row-sums.ts'
import { Rows, unwatched } from './rows.ts'
import { connectionOver } from './sqlite-connection.ts'
import { asTx, Transaction } from './transaction.ts'

export interface Reader {
  read: Unit['read']
  close(): Promise<void>
}

/** Everything else that is read here belongs to one installation. */
export function openReader(
  path: string,
  { seal, macs, installation }: { seal: Seal; macs: RowMacs; installation: string },
): Reader {
  const database = openDatabase(path, { readOnly: true })
  const connection = connectionOver(database)
  const rows = new Rows({
    ...connection,
    macs,
    sums: new RowSums(seal),
    counts: new Counts(),
    watch: unwatched,
  })
  let turn: Promise<unknown> = Promise.resolve()
  const snapshot = async <T>(work: Parameters<typeof read<T>>[0]): Promise<T> => {
    const transaction = new Transaction({ ...connection, seal, installation, rows, macs })
    try {
      database.exec('BEGIN')
      const value = await work(asTx(transaction))
      // INVARIANT I6: what is recorded here would never be chained.
      if (transaction.events.length > 0) throw new Error('only a transaction that writes can record an event')
      return value
    } catch (error) {
      if (!isDatabaseError(error)) throw error
      throw new BrokerError('unavailable', 'the store cannot be read', { cause: error, retryAfter: 1 })
    } finally {
      transaction.finish()
      if (database.isOpen && database.isTransaction) database.exec('ROLLBACK')
    }
  }
  const read: Unit['read'] = (work) => {
    const result = turn.then(() => snapshot(work))
    turn = result.catch(() => undefined)
    return result
  }
  return {
    read,
    async close() {
      await turn
      if (database.isOpen) database.close()
    },
  }
}
