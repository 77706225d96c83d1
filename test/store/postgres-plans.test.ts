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

it('no query of the hot path reads a whole table', async () => {
  await using store = await postgresStore(server)
  const asked = new Set<string>()
  await hotPath(store, () => {
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
  expect(asked.size).toBeGreaterThanOrEqual(20)
  const session = await Session.open({ url: store.url })
  const scanning: string[] = []
  for (const sql of asked) if (scan.test(await planOf(session, sql))) scanning.push(sql)
  await session.close()
  expect(scanning).toEqual([])
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
