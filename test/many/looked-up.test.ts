/** What works say that they will look up is read for all works of a commit at once, and changes nothing of what they find (docs/decisions/0067). */
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { About, Tx } from '../../src/base/unit.ts'
import { unfinishedStatuses } from '../../src/leases/lease.ts'
import { Session } from '../../src/store/postgres-session.ts'
import { toEnd } from '../../src/tasks/end.ts'
import { type Beside, besideOn } from '../support/beside.ts'
import { embeddedServer, type PostgresServer, serverTakesMs } from '../support/postgres-server.ts'
import { aLease, aTask, hour, noon, put, putLeases } from '../support/store.ts'
import { still } from '../support/still.ts'
import { until } from '../support/until.ts'

let server: PostgresServer
/** Who has put in what the other looks up: it knows nothing of it. */
let other: Beside
let store: Beside
beforeAll(async () => {
  server = await embeddedServer()
  const url = await server.database()
  other = await besideOn(url)
  store = await besideOn(url)
}, serverTakesMs)
afterAll(async () => {
  await store.store.close()
  await other.store.close()
  await server[Symbol.asyncDispose]()
}, serverTakesMs)
afterEach(() => vi.restoreAllMocks())

it('in one statement for each way to find something, however many works', async () => {
  using _still = still()
  const leases = await putLeases(other, {}, {}, {}, {}, {})
  const asked = vi.spyOn(Session.prototype, 'all')
  const found = await Promise.all(
    leases.map(({ id, task }) =>
      store.unit.write(async (tx) => (await store.leases.get(tx, id))?.task === task, { lease: id }),
    ),
  )
  const ofLeases = asked.mock.calls.filter(([sql]) => sql.includes('"leases" where "id"'))
  expect(found).toEqual(leases.map(() => true))
  expect(ofLeases).toHaveLength(1)
})

describe('while the turn is waited for', () => {
  /** What `other` does in its turn, which it has until `end` is called. */
  async function turnOfOther(work: (tx: Tx) => Promise<unknown> = () => Promise.resolve()) {
    const { promise: over, resolve: end } = Promise.withResolvers<void>()
    const { promise: begun, resolve: begin } = Promise.withResolvers<void>()
    const done = other.unit.write(async (tx) => {
      begin()
      await over
      await work(tx)
    })
    await begun
    return { end, done }
  }

  it('what comes is asked for behind it: as it is by then, and with nothing left to ask', async () => {
    const [lease] = await putLeases(other, {})
    const { id } = lease!
    const turn = await turnOfOther((tx) => other.leases.move(tx, id, 'revoking', { dueAt: noon }))
    const asked = vi.spyOn(Session.prototype, 'all')
    const ofLeases = () => asked.mock.calls.filter(([sql]) => sql.includes('"leases" where "id"')).length
    const first = store.unit.write(() => Promise.resolve())
    await until(() => asked.mock.calls.some(([sql]) => sql.includes('pg_current_snapshot')))
    let before = 0
    const late = store.unit.write(
      async (tx) => {
        before = ofLeases()
        return (await store.leases.get(tx, id))?.status
      },
      { lease: id },
    )
    await until(() => ofLeases() === 1)
    turn.end()
    await Promise.all([turn.done, first])
    expect(await late).toBe('revoking')
    expect([before, ofLeases()]).toEqual([1, 1])
  })

  it('a work that fails to say what it looks up fails, and no more than its commit', async () => {
    const turn = await turnOfOther()
    const asked = vi.spyOn(Session.prototype, 'all')
    const first = store.unit.write(() => Promise.resolve())
    await until(() => asked.mock.calls.some(([sql]) => sql.includes('pg_current_snapshot')))
    const saying = vi.fn<() => About[]>(() => {
      throw new Error('it does not know')
    })
    const refused = Promise.allSettled([first, store.unit.write(() => Promise.resolve(), saying)])
    await until(() => saying.mock.calls.length > 0)
    turn.end()
    expect((await refused)[1]!.status).toBe('rejected')
    expect(await store.unit.write(() => Promise.resolve('done'))).toBe('done')
  })
})

it('what a task holds that was put in just now is not asked', async () => {
  const asked = vi.spyOn(Session.prototype, 'all')
  const ofHeld = () => asked.mock.calls.filter(([sql]) => sql.includes('task, classes, count')).length
  const held = await store.unit.write(async (tx) => {
    const task = await put(store, tx, aTask())
    const count = async () => (await store.leases.countUnfinished(tx, task, task.id)).task
    const before = [await count(), ofHeld()]
    await store.leases.insert(tx, aLease(task))
    return [before, [await count(), ofHeld()]]
  })
  expect(held).toEqual([
    [0, 0],
    [1, 0],
  ])
})

it('none waits for what it has said that it will look up', async () => {
  const [lease] = await putLeases(other, { secretHash: 'known' })
  const { id, task } = lease!
  const told = { task, to: 'end', lease: id, secretHash: 'known', replayKey: 'key', root: task } as const
  const asked = vi.spyOn(Session.prototype, 'all')
  let before = 0
  const work = async (tx: Tx) => {
    before = asked.mock.calls.length
    await store.tasks.get(tx, task)
    await store.leases.get(tx, id)
    await store.leases.taskOfSecret(tx, 'known')
    await store.leases.find(tx, { task, statuses: unfinishedStatuses })
    await store.tasks.openChildren(tx, task)
    await store.tasks.tree(tx, task)
    await store.approvals.ofTask(tx, task)
    await store.usedTokens.use(tx, 'key', noon)
  }
  await store.unit.write(work, told, { task, to: 'mint' })
  expect(asked.mock.calls.length).toBe(before)
})

const asked = (task: string) => ({
  id: `approval ${task}`,
  task,
  group: 'security',
  digest: 'd',
  status: 'pending' as const,
  createdAt: noon,
  settled: null,
})

const makes: Record<string, { by: (tx: Tx, id: string) => Promise<unknown>; is: unknown[] }> = {
  'a task': {
    by: async (tx, id) => (await store.tasks.get(tx, id))?.status,
    is: ['active', 'completed'],
  },
  'a lease': {
    by: async (tx, id) => (await store.leases.get(tx, `lease ${id}`))?.status,
    is: [undefined, 'active'],
  },
  'a secret': {
    by: (tx, id) => store.leases.taskOfSecret(tx, `hash ${id}`),
    is: [undefined, 'itself'],
  },
  'a token': {
    by: (tx, id) => store.usedTokens.use(tx, `key ${id}`, noon + hour),
    is: [true, false],
  },
  'what a task holds': {
    by: async (tx, id) => (await store.leases.countUnfinished(tx, { agent: 'nobody' }, id)).task,
    is: [0, 1],
  },
  'unfinished leases': {
    by: async (tx, id) => (await store.leases.find(tx, { task: id, statuses: unfinishedStatuses })).length,
    is: [0, 1],
  },
  'open children': {
    by: async (tx, id) => (await store.tasks.openChildren(tx, id)).length,
    is: [0, 1],
  },
  approvals: { by: async (tx, id) => (await store.approvals.ofTask(tx, id)).length, is: [0, 1] },
  'a tree': { by: async (tx, id) => (await store.tasks.tree(tx, id)).length, is: [1, 2] },
}

it.each(Object.entries(makes))(
  '%s is found as the works before it in the commit have left it',
  async (_, { by, is }) => {
    const task = await other.unit.write((tx) => put(other, tx, aTask()))
    const { id } = task
    const about: About[] = [
      {
        task: id,
        to: 'end',
        lease: `lease ${id}`,
        secretHash: `hash ${id}`,
        replayKey: `key ${id}`,
        root: id,
      },
      { task: id, to: 'mint' },
    ]
    const changing = async (tx: Tx) => {
      const before = await by(tx, id)
      await store.leases.insert(tx, aLease(task, { id: `lease ${id}`, secretHash: `hash ${id}` }))
      await put(store, tx, aTask({ parent: id, root: id }))
      await store.approvals.insert(tx, asked(id))
      await store.tasks.end(tx, id, 'completed', 'completed', noon)
      return before
    }
    const failing = async (tx: Tx) => {
      await changing(tx)
      throw new Error('nothing of it is kept')
    }
    const write = <T>(work: (tx: Tx) => Promise<T>) => store.unit.write(work, ...about)
    const found = await Promise.all([
      write(failing).catch(() => 'failed'),
      write(changing),
      write((tx) => by(tx, id)),
    ])
    expect(found).toEqual(['failed', ...is.map((value) => (value === 'itself' ? id : value))])
  },
)

it('what many ends in one transaction look up is asked for some at a time', async () => {
  const ids = await other.unit.write(async (tx) => {
    const tasks = Array.from({ length: 30 }, () => aTask())
    for (const task of tasks) {
      await put(other, tx, task)
      await other.leases.insert(tx, aLease(task, {}, other.seal))
    }
    return tasks.map(({ id }) => id)
  })
  const asked = vi.spyOn(Session.prototype, 'all')
  const found = await store.unit.write(async (tx) => {
    let leases = 0
    for await (const id of toEnd(store, tx, ids, (each) => each)) {
      expect(await store.tasks.end(tx, id, 'revoked', 'policy_changed', noon)).toBe(true)
      for (const lease of await store.leases.find(tx, { task: id, statuses: unfinishedStatuses })) {
        await store.leases.move(tx, lease.id, 'revoking', { dueAt: noon })
        leases += 1
      }
      expect(await store.tasks.openChildren(tx, id)).toEqual([])
    }
    return leases
  })
  expect(found).toBe(30)
  const rows = asked.mock.calls.filter(([sql]) => /from "(?:tasks|leases)" where/.test(sql))
  // Three ways to find something, ten tasks at a time.
  expect(rows).toHaveLength(9)
})

it('what a reader says it will look up is asked for together, for its transaction alone', async () => {
  const ids = Array.from({ length: 20 }, (_, n) => `task_of_many_${n}`)
  const asked = vi.spyOn(Session.prototype, 'all')
  const questions = () => asked.mock.calls.filter(([sql]) => sql.includes('from "approvals" where')).length
  await store.unit.read(async (tx) => {
    await store.tasks.lookUp(tx, ids, 'decide')
    for (const id of ids) expect(await store.approvals.ofTask(tx, id)).toEqual([])
  })
  expect(questions()).toBe(1)
  await store.unit.read(async (tx) => await store.approvals.ofTask(tx, ids[0]!))
  expect(questions()).toBe(2)
})
