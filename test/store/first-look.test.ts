/** Before it is known which tasks are open, those of before get nothing, and others are served (docs/decisions/0061). */
import { afterEach, expect, it, vi } from 'vitest'
import type { Snapshot } from '../../src/store/connection.ts'
import type { HeadKeeper } from '../../src/store/head.ts'
import { Guard } from '../../src/store/guard.ts'
import { Counts } from '../../src/store/counts.ts'
import { delegations } from '../../src/store/delegations.ts'
import { RowMacs } from '../../src/store/row-macs.ts'
import { RowSums } from '../../src/store/row-sums.ts'
import { AtOnce } from '../../src/store/row-writes.ts'
import { Rows } from '../../src/store/rows.ts'
import { snapshotOf } from '../../src/store/sqlite-connection.ts'
import { asTx, bound, Transaction } from '../../src/store/transaction.ts'
import { sqliteStore } from '../support/sqlite.ts'
import { aLease, aTask, noon, put } from '../support/store.ts'
import { until } from '../support/until.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

const handedOn = (task: string) => ({
  id: 'dlg_1',
  hash: 'ab',
  task,
  agent: 'helper-bot',
  scope: [],
  ttl: null,
  until: noon,
  usedBy: null,
})

/** A snapshot that does not tell before `held` which tasks there are: the last that is asked before anything may be granted. */
async function snapshotThatWaits(path: string, held: Promise<void>): Promise<Snapshot> {
  const { statements, ...rest } = await snapshotOf(path)
  const all: typeof statements.all = async (sql, values) => {
    if (sql.includes('max(ordinal)')) await held
    return await statements.all(sql, values)
  }
  return { ...rest, statements: { ...statements, all } }
}

type Given = ConstructorParameters<typeof Guard>[0]

/** Of a store whose head is as it should be. */
function guardOver(given: Pick<Given, 'seal' | 'macs' | 'snapshot'>): Guard {
  const keeper = { state: { doubts: [] }, faults: () => Promise.resolve([]) } as unknown as HeadKeeper
  return new Guard({ ...given, keeper, changed: () => undefined, besides: () => undefined })
}

it('nothing is granted to a task that was open before, until it is known that it is; new ones are served', async () => {
  await using store = await sqliteStore()
  const [old, pending] = await store.unit.write(async (tx) => [
    await put(store, tx, aTask()),
    await put(store, tx, aTask({ status: 'pending_approval' })),
  ])
  const known = Promise.withResolvers<void>()
  const { seal } = store
  await using here = await snapshotOf(store.path)
  const macs = await RowMacs.of(here.statements, seal, 'here')
  const guard = guardOver({
    seal,
    macs,
    /** It does not come to the open tasks yet. */
    async snapshot() {
      const { statements, ...rest } = await snapshotOf(store.path)
      async function* each(sql: string) {
        if (/row_mac, status from "tasks"/.test(sql)) await known.promise
        yield* statements.each(sql)
      }
      return { ...rest, statements: { ...statements, each } }
    },
  })
  await guard.inspect(1_000)

  const granted = (work: (tx: ReturnType<typeof asTx>) => Promise<unknown>) =>
    store.unit.write(async (tx) => {
      const { db, statements } = bound(tx)
      const rows = new Rows({
        writes: new AtOnce(statements),
        macs,
        sums: new RowSums(seal),
        counts: new Counts(),
        watch: guard,
      })
      return await work(asTx(new Transaction({ db, statements, seal, installation: 'here', rows, macs })))
    })
  const refusals = [
    (tx) => store.leases.insert(tx, aLease(old)),
    (tx) => put(store, tx, aTask({ parent: old.id, root: old.id, depth: 1 })),
    (tx) => store.tasks.activate(tx, pending.id, noon),
    (tx) => store.tasks.replaceToken(tx, old.id, 'another'),
    (tx) => delegations.insert(tx, handedOn(old.id)),
  ] satisfies Parameters<typeof granted>[0][]
  for (const work of refusals)
    await expect(granted(work)).rejects.toMatchObject({
      code: 'unavailable',
      message: 'the store is being looked through',
    })
  const late = guard.patiently(() => granted((tx) => store.leases.insert(tx, aLease(old))))
  await granted(async (tx) => await store.leases.insert(tx, aLease(await put(store, tx, aTask()))))
  expect(await granted((tx) => store.tasks.end(tx, old.id, 'completed', 'completed', noon))).toBe(true)

  known.resolve()
  await late
  await guard.idle()
  await granted((tx) => store.tasks.activate(tx, pending.id, noon))
})

it('a look that another has followed ends no doubts of that one', async () => {
  await using store = await sqliteStore()
  const [first, second] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const { seal } = store
  await using here = await snapshotOf(store.path)
  const macs = await RowMacs.of(here.statements, seal, 'here')
  let looks = 0
  const guard = guardOver({
    seal,
    macs,
    snapshot: () => snapshotThatWaits(store.path, (looks++ === 0 ? first : second).promise),
  })
  await guard.inspect(50)
  await guard.inspect(50)
  expect(guard.mayGrant).toThrow('looked through')
  first.resolve()
  for (let turns = 0; turns < 100; turns += 1) await new Promise(setImmediate)
  expect(guard.mayGrant).toThrow('looked through')
  second.resolve()
  await guard.idle()
  expect(guard.mayGrant).not.toThrow()
})

it('who waits for a look is sent away when it takes too long, and served when it does not', async () => {
  await using store = await sqliteStore()
  const { seal } = store
  await using here = await snapshotOf(store.path)
  const macs = await RowMacs.of(here.statements, seal, 'here')
  const looked = Promise.withResolvers<void>()
  const guard = guardOver({
    seal,
    macs,
    snapshot: () => snapshotThatWaits(store.path, looked.promise),
  })
  let asked = 0
  const ask = () =>
    guard.patiently(async () => {
      asked += 1
      await Promise.resolve()
      guard.mayGrant()
    })
  const now = vi.spyOn(performance, 'now')
  await guard.inspect(50)
  const patient = expect(ask()).rejects.toThrow('looked through')
  await until(() => Promise.resolve(asked === 1))
  now.mockReturnValue(performance.now() + 5_000)
  // Another look, with which it is asked again.
  await guard.inspect(50)
  await patient
  looked.resolve()
  expect(asked).toBe(2)
  await guard.idle()
  await ask()
  expect(asked).toBe(3)
})

it('who asks whether anything may be granted at all waits for that alone', async () => {
  await using store = await sqliteStore()
  const { seal } = store
  await using here = await snapshotOf(store.path)
  const macs = await RowMacs.of(here.statements, seal, 'here')
  const [decided, known] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const guard = guardOver({
    seal,
    macs,
    async snapshot() {
      const { statements, ...rest } = await snapshotThatWaits(store.path, decided.promise)
      async function* each(sql: string) {
        if (/row_mac, status from "tasks"/.test(sql)) await known.promise
        yield* statements.each(sql)
      }
      return { ...rest, statements: { ...statements, each } }
    },
  })
  await guard.inspect(50)
  let isReady = false
  const ready = guard.patiently(async () => guard.mayGrant()).then(() => (isReady = true))
  decided.resolve()
  await until(() => Promise.resolve(!guard.knowsTasks))
  for (let turns = 0; turns < 100; turns += 1) await new Promise(setImmediate)
  expect([isReady, guard.knowsTasks]).toEqual([true, false])
  await ready
  expect(() => guard.mayGrantTo(0)).toThrow('looked through')
  known.resolve()
  await guard.idle()
})
