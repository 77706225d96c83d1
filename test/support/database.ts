/** The broker's database seen, or spoilt, from beside it. */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Schema } from '../../src/store/schema.ts'
import type { TestBroker } from './broker.ts'

/** A column as it is stored. */
export type Row<Table extends keyof Schema> = { [Column in keyof Schema[Table]]: Schema[Table][Column] }

/** Runs `work` on a second connection to the broker's file. */
export function beside<T>({ directory }: Pick<TestBroker, 'directory'>, work: (db: DatabaseSync) => T): T {
  const db = new DatabaseSync(join(directory, 'mayfly.db'), { timeout: 5_000 })
  try {
    return work(db)
  } finally {
    db.close()
  }
}

/** The rows of `table`, committed at this moment; `where` is SQL. */
export function rows<Table extends keyof Schema>(
  broker: Pick<TestBroker, 'directory'>,
  table: Table,
  where = 'true',
): Row<Table>[] {
  return beside(
    broker,
    (db) => db.prepare(`select * from ${table} where ${where}`).all() as unknown as Row<Table>[],
  )
}

/** Makes every write that `event` names (`insert on audit_events`) fail, until the returned function is called. */
export function refuseWrites(broker: Pick<TestBroker, 'directory'>, event: string): () => void {
  const name = `refuse_${event.replaceAll(/\W+/g, '_')}`
  beside(broker, (db) =>
    db.exec(`create trigger ${name} before ${event} begin select raise(abort, 'refused'); end`),
  )
  return function allow() {
    try {
      beside(broker, (db) => db.exec(`pragma busy_timeout = 100; drop trigger ${name}`))
    } catch (error) {
      if (!(error instanceof Error) || error.message !== 'database is locked') throw error
      // By a broker in this process, which cannot go on while this waits for it.
      setImmediate(allow)
    }
  }
}
