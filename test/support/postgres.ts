/** The PostgreSQL store in a database of its own. */
import type { Seal } from '../../src/base/seal.ts'
import type { Intrusion } from '../../src/store/inspection.ts'
import type { StoreOptions } from '../../src/store/own-store.ts'
import { openPostgres } from '../../src/store/postgres.ts'
import { besideDatabase, type PostgresServer } from './postgres-server.ts'
import { type StoreSubject, testSeal, storeTables } from './store.ts'

export interface PostgresSubject extends StoreSubject {
  url: string
  intrusion(): Intrusion
  lookedThrough(): Promise<void>
  look(): Promise<void>
  close(): Promise<void>
  reopen(): Promise<void>
}

export async function postgresStore(
  server: PostgresServer,
  options: StoreOptions = {},
  seal: Seal = testSeal(),
): Promise<PostgresSubject> {
  const url = await server.database()
  const open = () => openPostgres({ url, pool: 5 }, seal, options)
  let store = await open()
  return {
    url,
    unit: {
      write: (work) => store.unit.write(work),
      read: (work) => store.unit.read(work),
      find: (work) => store.unit.find(work),
    },
    ...storeTables,
    seal,
    async beside(sql) {
      await besideDatabase(url, sql)
    },
    intrusion: () => store.intrusion,
    lookedThrough: () => store.lookedThrough(),
    look: () => store.look(),
    close: () => store.close(),
    async reopen() {
      await store.close()
      store = await open()
    },
    async [Symbol.asyncDispose]() {
      await store.close().catch(() => undefined)
    },
  }
}
