/** Connections to a SQLite file. */
import type { DatabaseSync } from 'node:sqlite'
import { setTimeout } from 'node:timers/promises'
import type { Connection, Snapshot, Writing } from './connection.ts'
import { isDatabaseError, sqliteBusy } from './database-error.ts'
import { kyselyOver, openDatabase, Query, queryCache } from './node-sqlite.ts'
import { sqliteDialect } from './sqlite-dialect.ts'
import type { Statements } from './statements.ts'

/** Milliseconds between attempts to begin while another process writes, and for all of them. */
const busyPauseMs = 20
const busyForMs = 5_000

export function connectionOver(database: DatabaseSync): Connection {
  const prepare = queryCache(database)
  const statements: Statements = {
    dialect: sqliteDialect,
    all: (sql, values = []) => prepare(sql).all(values),
    each: (sql) => new Query(database, sql).each(),
    run: (sql, values = []) => void prepare(sql).run(values),
  }
  return { db: kyselyOver(database, prepare), statements }
}

/** What is committed at this moment, on a connection of its own. */
export async function snapshotOf(path: string): Promise<Snapshot> {
  const database = openDatabase(path, { readOnly: true })
  const connection = connectionOver(database)
  database.exec('BEGIN')
  // The first look pins the snapshot.
  await connection.statements.all('select 1 from sqlite_schema limit 1')
  return { ...connection, [Symbol.asyncDispose]: async () => database.close() }
}

/** The connection of the one writer. It has to be opened so that it waits for nobody: waiting stops the event loop. */
export function writingOver(database: DatabaseSync): Writing {
  const connection = connectionOver(database)
  // Prepared: each runs with every commit, or every work of one.
  const prepared = (sql: string) => {
    const query = new Query(database, sql)
    return () => void query.run([])
  }
  const begin = prepared('BEGIN IMMEDIATE')
  const version = new Query(database, 'pragma data_version')
  return {
    ...connection,
    /** Somebody with a tool of their own may be writing. What is due upstream goes on meanwhile (invariant I6). */
    async begin() {
      for (let left = busyForMs / busyPauseMs; ; left -= 1) {
        try {
          return begin()
        } catch (error) {
          if (!isDatabaseError(error) || error.errcode !== sqliteBusy || left <= 0) throw error
        }
        await setTimeout(busyPauseMs)
      }
    },
    commit: prepared('COMMIT'),
    /** Some failures (a full disk) have rolled back by themselves. */
    rollBack() {
      try {
        if (database.isOpen && database.isTransaction) database.exec('ROLLBACK')
      } catch {
        // Whoever waits for the group must be told in any case.
      }
    },
    savepoint: prepared('SAVEPOINT work'),
    release: prepared('RELEASE work'),
    rollBackTo: () => database.exec('ROLLBACK TO work; RELEASE work'),
    // It changes exactly when another connection has committed.
    version: () => version.all([])[0]?.['data_version'],
    // Nobody else is served meanwhile.
    groupMs: 8,
    lookMs: 250,
    isFailure: isDatabaseError,
  }
}
