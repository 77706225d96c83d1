/** Whatever works do, and whichever of them fail, each finds what stands in the database (docs/decisions/0069). */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Tx } from '../../src/base/unit.ts'
import { unfinishedStatuses } from '../../src/leases/lease.ts'
import { rowsIn } from '../../src/store/transaction.ts'
import { besideOn } from '../support/beside.ts'
import { embeddedServer, type PostgresServer, serverTakesMs } from '../support/postgres-server.ts'
import { sqliteStore } from '../support/sqlite.ts'
import { aLease, aTask, noon, put, type StoreSubject } from '../support/store.ts'

const tasks = 4
const nth = fc.nat({ max: tasks - 1 })

const deed = fc.oneof(
  fc.record({ do: fc.constant('open'), task: nth, parent: fc.option(nth) }),
  fc.record({ do: fc.constant('lend'), task: nth }),
  fc.record({
    do: fc.constant('move'),
    task: nth,
    to: fc.constantFrom('revoking', 'irrevocable', 'revoked', 'expired'),
  }),
  fc.record({ do: fc.constant('find lost'), task: nth }),
  fc.record({ do: fc.constant('ask'), task: nth }),
  fc.record({ do: fc.constant('end'), task: nth }),
  fc.record({ do: fc.constant('forget'), task: nth }),
  fc.record({ do: fc.constant('look'), task: nth }),
)
type Deed = typeof deed extends fc.Arbitrary<infer Value> ? Value : never

const work = fc.record({
  by: fc.nat({ max: 1 }),
  deeds: fc.array(deed, { minLength: 1, maxLength: 4 }),
  fails: fc.boolean(),
})
type Work = typeof work extends fc.Arbitrary<infer Value> ? Value : never
/** Works of one group mostly share a commit. */
const groups: fc.Arbitrary<Work[][]> = fc.array(fc.array(work, { minLength: 1, maxLength: 4 }), {
  minLength: 2,
  maxLength: 8,
})

/** What can be found of a task, and of what hangs off it. */
async function found(store: StoreSubject, tx: Tx, id: string) {
  const lease = (await store.leases.find(tx, { task: id })).map(({ id: each }) => each)
  return {
    task: await store.tasks.get(tx, id),
    unfinished: await store.leases.find(tx, { task: id, statuses: unfinishedStatuses }),
    leases: await Promise.all(lease.map((each) => store.leases.get(tx, each))),
    ofSecret: await store.leases.taskOfSecret(tx, `secret of ${id}`),
    held: await store.leases.countUnfinished(tx, { agent: 'refactor-bot' }, id),
    classes: await store.leases.lockHeld(tx, { agent: 'nobody', identity: 'nobody', tasks: [id] }),
    open: await store.tasks.countOpen(tx, { agent: 'refactor-bot' }),
    approvals: await store.approvals.ofTask(tx, id),
    tree: (await store.tasks.tree(tx, id)).toSorted(),
    openChildren: await store.tasks.openChildren(tx, id),
  }
}

let names = 0

async function does(store: StoreSubject, tx: Tx, taken: Deed, ids: readonly string[]): Promise<void> {
  const id = ids[taken.task]!
  const { leases, approvals } = store
  if (taken.do === 'open') {
    if (await store.tasks.get(tx, id)) return
    const parent = taken.parent === null ? null : ids[taken.parent]!
    const above = parent === null || parent === id ? undefined : await store.tasks.get(tx, parent)
    const below = above && !('damaged' in above) ? { parent, root: above.root } : { root: id }
    await put(store, tx, aTask({ id, ...below }))
  }
  const task = await store.tasks.get(tx, id)
  if (!task || 'damaged' in task) return
  const name = `${taken.do} ${(names += 1)}`
  if (taken.do === 'lend')
    await leases.insert(tx, aLease(task, { id: name, secretHash: `secret of ${id}` }, store.seal))
  if (taken.do === 'move')
    for (const lease of await leases.find(tx, { task: id, statuses: unfinishedStatuses }))
      await leases.move(
        tx,
        lease.id,
        taken.to,
        taken.to === 'revoked' ? { dueAt: null, secretHash: null } : {},
      )
  if (taken.do === 'find lost')
    for (const lease of await leases.find(tx, { task: id, statuses: unfinishedStatuses }))
      await leases.amend(tx, lease.id, ['revoking', 'irrevocable'], { fingerprint: null })
  if (taken.do === 'ask') {
    const asked = { task: id, group: name, digest: 'd', createdAt: noon, settled: null }
    await approvals.insert(tx, { id: name, status: 'pending', ...asked })
  }
  if (taken.do === 'end') await store.tasks.end(tx, id, 'completed', 'completed', noon)
  if (taken.do === 'forget')
    for (const row of await rowsIn(tx).where('leases', "task = ? and status = 'revoked'", [id]))
      await rowsIn(tx).remove('leases', row)
  if (taken.do === 'look') await found(store, tx, id)
}

/** `stores`: whoever writes the same database; a work is done by one of them. */
async function expectTrue(stores: readonly StoreSubject[], steps: Work[][]): Promise<void> {
  const ids = Array.from({ length: tasks }, () => aTask().id)
  for (const group of steps) {
    await Promise.all(
      group.map(({ by, deeds, fails }) => {
        const store = stores[by % stores.length]!
        const doing = store.unit.write(async (tx) => {
          for (const each of deeds) await does(store, tx, each, ids)
          if (fails) throw new Error('nothing of it is kept')
        })
        return doing.catch((error: unknown) => {
          if (!fails) throw error
        })
      }),
    )
    for (const store of stores)
      for (const id of ids) {
        const known = await store.unit.write((tx) => found(store, tx, id))
        expect(known).toEqual(await store.unit.read((tx) => found(store, tx, id)))
      }
  }
}

async function holds(numRuns: number, ...stores: StoreSubject[]): Promise<void> {
  await fc.assert(
    fc.asyncProperty(groups, (steps) => expectTrue(stores, steps)),
    { numRuns },
  )
}

it('on SQLite', { timeout: 60_000 }, async () => {
  await using store = await sqliteStore()
  await holds(100, store)
})

describe('on PostgreSQL', () => {
  let server: PostgresServer
  beforeAll(async () => void (server = await embeddedServer()), serverTakesMs)
  afterAll(() => server[Symbol.asyncDispose](), serverTakesMs)

  it('where a broker is alone', { timeout: 60_000 }, async () => {
    await using store = await besideOn(await server.database())
    await holds(25, store)
  })

  it('where another has come that it has not seen yet', { timeout: 60_000 }, async () => {
    const url = await server.database()
    await using first = await besideOn(url)
    await using second = await besideOn(url)
    expect(first.store.beside!.living).toHaveLength(1)
    await holds(12, first, second)
  })
})
