/** What is asked at every mint, or while everybody waits, goes by an index from the first row on: the server keeps its plan for long (docs/decisions/0074). */
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { type LookupName, lookups, sqlOf } from '../../src/store/looked-up.ts'
import { Session } from '../../src/store/postgres-session.ts'
import { hotPath } from '../support/hot-path.ts'
import { postgresStore } from '../support/postgres.ts'
import { embeddedServer, type PostgresServer, serverTakesMs } from '../support/postgres-server.ts'

let server: PostgresServer
beforeAll(async () => {
  server = await embeddedServer()
}, serverTakesMs)
afterAll(() => server[Symbol.asyncDispose](), serverTakesMs)
afterEach(() => vi.restoreAllMocks())

/** As the server plans it whatever the values are. */
async function planOf(session: Session, sql: string): Promise<string> {
  const rows = await session.script(`explain (generic_plan) ${sql}`)
  return rows.map((row) => row['QUERY PLAN']).join('\n')
}

const scan =
  /Seq Scan on (?:leases|tasks|fences|approvals|delegations|idempotency|audit_events|used_tokens)\b/

/** What is asked during `work` that finds rows, `least` statements: which of it reads a table as a whole. */
async function scanning(
  url: string,
  least: number,
  work: (begin: () => void) => Promise<void>,
): Promise<string[]> {
  const asked = new Set<string>()
  await work(() => {
    for (const way of ['all', 'send'] as const) {
      const original = Session.prototype[way] as (sql: string, values?: readonly unknown[]) => unknown
      vi.spyOn(Session.prototype, way).mockImplementation(function (
        this: Session,
        sql: string,
        values?: readonly unknown[],
      ) {
        if (/ from |^update/i.test(sql) && !sql.includes('audit_head')) asked.add(sql)
        return original.call(this, sql, values) as never
      })
    }
  })
  vi.restoreAllMocks()
  expect(asked.size).toBeGreaterThanOrEqual(least)
  const session = await Session.open({ url })
  const found: string[] = []
  // What becomes of an `exists` depends on how many rows the server takes there to be.
  for (const sql of asked)
    if (/\bexists\b/i.test(sql) || scan.test(await planOf(session, sql))) found.push(sql)
  await session.close()
  return found
}

it('no query of the hot path reads a whole table', async () => {
  await using store = await postgresStore(server)
  expect(await scanning(store.url, 20, (begin) => hotPath(store, begin))).toEqual([])
})

it.each([{ run: '1' }, { request: 'req_1' }])('nor does a look into the record for %o', async (filter) => {
  await using store = await postgresStore(server)
  const list = async (begin: () => void) => {
    begin()
    await store.unit.read((tx) => store.audit.list(tx, filter, { limit: 1 }))
  }
  expect(await scanning(store.url, 1, list)).toEqual([])
})

it.each([1, 2, 8, 64])(
  'what is looked up by %i values goes by those, in tables that are empty yet',
  async (size) => {
    await using store = await postgresStore(server)
    const session = await Session.open({ url: store.url })
    for (const name of Object.keys(lookups) as LookupName[]) {
      let count = 0
      const sql = sqlOf(name, size).replaceAll('?', () => `$${(count += 1)}`)
      expect(await planOf(session, sql), name).not.toMatch(scan)
    }
    await session.close()
  },
)
