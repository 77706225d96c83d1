/** What is asked at every mint, or while everybody waits, must not grow with all that ever was. */
import { DatabaseSync } from 'node:sqlite'
import { expect, it, type MockInstance, vi } from 'vitest'
import { type LookupName, lookups, sqlOf } from '../../src/store/looked-up.ts'
import { hotPath } from '../support/hot-path.ts'
import { sqliteStore } from '../support/sqlite.ts'

it('no query of the hot path reads a whole table', async () => {
  await using store = await sqliteStore()
  let prepare!: MockInstance<DatabaseSync['prepare']>
  await hotPath(store, () => (prepare = vi.spyOn(DatabaseSync.prototype, 'prepare')))
  const asked = new Set(prepare.mock.calls.map(([sql]) => sql).filter((sql) => / from |^update/i.test(sql)))
  prepare.mockRestore()
  expect(asked.size).toBeGreaterThanOrEqual(20)
  const database = new DatabaseSync(store.path, { readOnly: true })
  const scanning = [...asked].filter((sql) =>
    database
      .prepare(`explain query plan ${sql}`)
      .all()
      .some(({ detail }) =>
        /^SCAN (leases|tasks|fences|approvals|delegations|idempotency|audit_events)\b/.test(String(detail)),
      ),
  )
  database.close()
  expect(scanning).toEqual([])
})

it.each([1, 2, 8, 64])('what is looked up by %i values goes by those, however much lives', async (size) => {
  await using store = await sqliteStore()
  using database = new DatabaseSync(store.path, { readOnly: true })
  for (const name of Object.keys(lookups) as LookupName[]) {
    const [{ detail } = {}] = database.prepare(`explain query plan ${sqlOf(name, size)}`).all()
    expect(detail, name).toMatch(new RegExp(`^SEARCH .* \\(${lookups[name].column}=\\?\\)$`))
  }
})
