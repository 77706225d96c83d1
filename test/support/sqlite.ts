/** The SQLite store on a file of its own. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Kysely } from 'kysely'
import { type Migration, Migrator } from 'kysely/migration'
import type { Seal } from '../../src/base/seal.ts'
import type { Intrusion } from '../../src/store/inspection.ts'
import { openDatabase } from '../../src/store/node-sqlite.ts'
import { connectionOver } from '../../src/store/sqlite-connection.ts'
import type { OwnStore } from '../../src/store/own-store.ts'
import type { Schema } from '../../src/store/schema.ts'
import { openSqlite } from '../../src/store/sqlite.ts'
import { type StoreSubject, testSeal, storeTables } from './store.ts'

export interface SqliteSubject extends StoreSubject {
  /** Its folder, and the file in it. */
  directory: string
  path: string
  /** What is known of what somebody else has done to it. */
  intrusion(): Intrusion
  reseal(): Promise<void>
  /** Takes it as it stands. */
  accept: OwnStore['accept']
  close(): Promise<void>
  /** Closes it and opens the same file again. */
  reopen(): Promise<void>
}

/** A path in a folder of its own; `remove` takes the folder away. */
export async function temporaryPath(): Promise<{ path: string; remove(): Promise<void> }> {
  const directory = await mkdtemp(join(tmpdir(), 'mayfly-store-'))
  return { path: join(directory, 'mayfly.db'), remove: () => rm(directory, { recursive: true, force: true }) }
}

/** Runs SQL on the file beside whoever has it open. */
export function besideFile(path: string, sql: string): void {
  const database = new DatabaseSync(path, { timeout: 5_000 })
  try {
    database.exec(sql)
  } finally {
    database.close()
  }
}

/** A database as an earlier version left it: these migrations of its, and what `fill` puts in. */
export async function createDatabase(
  path: string,
  migrations: Record<string, Migration>,
  fill: (db: Kysely<Schema>) => Promise<void>,
): Promise<void> {
  const { db } = connectionOver(openDatabase(path, { readOnly: false }))
  const provider = { getMigrations: () => Promise.resolve(migrations) }
  const { error } = await new Migrator({ db, provider }).migrateToLatest()
  if (error) throw error
  await fill(db)
  await db.destroy()
}

export async function sqliteStore(seal: Seal = testSeal()): Promise<SqliteSubject> {
  const { path, remove } = await temporaryPath()
  const open = async () => {
    const opened = await openSqlite(path, seal)
    await opened.lookedThrough()
    return opened
  }
  let store = await open()
  return {
    directory: dirname(path),
    path,
    unit: {
      write: (work) => store.unit.write(work),
      read: (work) => store.unit.read(work),
      find: (work) => store.unit.find(work),
    },
    ...storeTables,
    seal,
    beside: async (sql) => besideFile(path, sql),
    intrusion: () => store.intrusion,
    reseal: () => store.reseal(),
    accept: (event) => store.accept(event),
    close: () => store.close(),
    async reopen() {
      await store.close()
      store = await open()
    },
    async [Symbol.asyncDispose]() {
      await store.close().catch(() => undefined)
      await remove()
    },
  }
}
