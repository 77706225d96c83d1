/** The PostgreSQL store in a database of its own. */
import type { Seal } from '../../src/base/seal.ts'
import { approvals } from '../../src/store/approvals.ts'
import { auditTrail } from '../../src/store/audit.ts'
import type { Intrusion } from '../../src/store/inspection.ts'
import { leases } from '../../src/store/leases.ts'
import type { StoreOptions } from '../../src/store/own-store.ts'
import { openPostgres } from '../../src/store/postgres.ts'
import { tables } from '../../src/store/tables.ts'
import { tasks } from '../../src/store/tasks.ts'
import { usedTokens } from '../../src/store/used-tokens.ts'
import { besideDatabase, type PostgresServer } from './postgres-server.ts'
import { type StoreSubject, testSeal } from './store.ts'

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
    unit: { write: (work) => store.unit.write(work), read: (work) => store.unit.read(work) },
    tasks,
    leases,
    approvals,
    usedTokens,
    audit: auditTrail(),
    tables,
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
