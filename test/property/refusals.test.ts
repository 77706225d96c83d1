/** Whatever works of one commit do, and whatever the database refuses of it, each is told what has become of it (docs/decisions/0070). */
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Tx } from '../../src/base/unit.ts'
import { bound, queries, rowsIn } from '../../src/store/transaction.ts'
import { besideOn } from '../support/beside.ts'
import { embeddedServer, type PostgresServer, serverTakesMs } from '../support/postgres-server.ts'
import { sqliteStore } from '../support/sqlite.ts'
import { aLease, aTask, events, noon, note, put, type StoreSubject } from '../support/store.ts'

let server: PostgresServer
beforeAll(async () => void (server = await embeddedServer()), serverTakesMs)
afterAll(() => server[Symbol.asyncDispose](), serverTakesMs)

const deed = fc.constantFrom(
  'open',
  'lend',
  'open what is there',
  'ask',
  'ask of leases',
  'ask and hide the failure',
  'ask and throw another',
  'remove',
  'use a token',
  'move',
)
const work = fc.record({ deeds: fc.array(deed, { minLength: 1, maxLength: 5 }), fails: fc.boolean() })
type Work = typeof work extends fc.Arbitrary<infer Value> ? Value : never
const group = fc.array(work, { minLength: 1, maxLength: 6 })

let count = 0

async function holds(store: StoreSubject, works: readonly Work[]): Promise<void> {
  const { task, leases } = await store.unit.write(async (tx) => {
    const opened = await put(store, tx, aTask())
    const lent = Array.from({ length: 7 }, () => aLease(opened, {}, store.seal))
    for (const lease of lent) await store.leases.insert(tx, lease)
    return { task: opened, leases: lent }
  })
  const before = (await events(store)).length
  const left = works.map(() => ({ put: [] as string[], removed: [] as string[] }))

  const does = async (tx: Tx, taken: Work['deeds'][number], at: number) => {
    const rows = rowsIn(tx)
    const ask = async () => await bound(tx).statements.all('select 1')
    const { put: putIn, removed } = left[at]!
    if (taken === 'open') putIn.push((await put(store, tx, aTask())).id)
    if (taken === 'lend') {
      const lease = aLease(task, {}, store.seal)
      await store.leases.insert(tx, lease)
      putIn.push(lease.id)
    }
    if (taken === 'open what is there') await put(store, tx, aTask({ id: task.id }))
    if (taken === 'ask') await queries(tx).selectFrom('tasks').select('id').execute()
    if (taken === 'ask of leases') await rows.where('leases', 'true', [])
    if (taken === 'ask and hide the failure') await ask().catch(() => undefined)
    if (taken === 'ask and throw another')
      await ask().catch(() => {
        throw new Error('its own')
      })
    if (taken === 'use a token') await store.usedTokens.use(tx, `token ${(count += 1)}`, noon)
    if (taken === 'move')
      await store.leases.move(tx, leases[6]!.id, 'revoking', { dueAt: noon + (count += 1) })
    const row = taken === 'remove' ? await rows.one('leases', 'id', leases[at]!.id) : undefined
    if (!row) return
    await rows.remove('leases', row)
    removed.push(row.id)
  }
  const came = await Promise.allSettled(
    works.map(({ deeds, fails }, at) =>
      store.unit.write(async (tx) => {
        left[at] = { put: [], removed: [] }
        note(store, tx)
        for (const each of deeds) await does(tx, each, at)
        if (fails) throw new Error('of its own')
      }),
    ),
  )

  const stored = await store.unit.read(
    async (tx) =>
      new Set(
        [
          ...(await queries(tx).selectFrom('tasks').select('id').execute()),
          ...(await queries(tx).selectFrom('leases').select('id').execute()),
        ].map(({ id }) => id),
      ),
  )
  for (const [at, { status }] of came.entries()) {
    const isKept = status === 'fulfilled'
    const { deeds, fails } = works[at]!
    expect(isKept).toBe(!fails && !deeds.includes('open what is there'))
    for (const id of left[at]!.put) expect(stored.has(id)).toBe(isKept)
    for (const id of left[at]!.removed) expect(stored.has(id)).toBe(!isKept)
  }
  const kept = came.filter(({ status }) => status === 'fulfilled')
  expect((await events(store)).length - before).toBe(kept.length)
}

it('on SQLite', { timeout: 120_000 }, async () => {
  await using store = await sqliteStore()
  await fc.assert(
    fc.asyncProperty(group, (works) => holds(store, works)),
    { numRuns: 60 },
  )
  await store.reopen()
  expect(store.intrusion()).toEqual({ doubts: [], damaged: [] })
})

it('on PostgreSQL', { timeout: 120_000 }, async () => {
  await using store = await besideOn(await server.database())
  await fc.assert(
    fc.asyncProperty(group, (works) => holds(store, works)),
    { numRuns: 60 },
  )
  await store.store.look()
  await store.store.lookedThrough()
  expect(store.store.intrusion).toEqual({ doubts: [], damaged: [] })
})
