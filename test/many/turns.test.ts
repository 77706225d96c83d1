/** Brokers that write one database in turns: what one store promises holds for all of them. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { isBrokerError } from '../../src/base/errors.ts'
import { fences } from '../../src/store/fences.ts'
import { openPostgres } from '../../src/store/postgres.ts'
import { Session } from '../../src/store/postgres-session.ts'
import { type Beside, besideOn, severalOn } from '../support/beside.ts'
import {
  besideDatabase,
  embeddedServer,
  lastLook,
  type PostgresServer,
  serverTakesMs,
} from '../support/postgres-server.ts'
import { aLease, aTask, events, noon, note, put, testSeal, verified } from '../support/store.ts'
import { until } from '../support/until.ts'
import { still } from '../support/still.ts'

let server: PostgresServer
beforeAll(async () => {
  server = await embeddedServer()
}, serverTakesMs)
afterAll(() => server[Symbol.asyncDispose](), serverTakesMs)

/** `settings`: of the database, by name. */
async function pair(
  settings: Record<string, string> = {},
): Promise<[Beside, Beside] & AsyncDisposable & { url: string }> {
  const url = await server.database()
  const [{ name }] = (await besideDatabase(url, 'select current_database() as name')) as [{ name: string }]
  for (const [setting, value] of Object.entries(settings))
    await besideDatabase(url, `alter database "${name}" set ${setting} = '${value}'`)
  const [one, other] = await severalOn(url, 2)
  return Object.assign([one!, other!] as [Beside, Beside], {
    url,
    [Symbol.asyncDispose]: async () => {
      await one!.store.close()
      await other!.store.close()
    },
  })
}

describe('works that write at two brokers', () => {
  it.each(['read committed', 'repeatable read', 'serializable'])(
    'see all that was committed before them, wherever that was, where transactions are %s by themselves',
    async (isolation) => {
      await using both = await pair({ default_transaction_isolation: isolation })
      let runs = 0
      const root = aTask()
      await both[0].unit.write((tx) => put(both[0], tx, root))
      const seen = await Promise.all(
        Array.from({ length: 60 }, (_, n) => {
          const store = both[n % 2]!
          return store.unit.write(async (tx) => {
            runs += 1
            const tree = await store.tasks.tree(tx, root.id)
            await put(store, tx, aTask({ root: root.id, parent: root.id }))
            note(store, tx, { n })
            return tree.length
          })
        }),
      )
      expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, index) => index + 1))
      // What a turn found was what there is: nothing was refused and run again.
      expect(runs).toBe(60)
      // One record, whole, of all that both have put there.
      const chain = await events(both[1])
      expect(chain.map(({ seq }) => seq)).toEqual(chain.map((_, index) => index + 1))
      expect(chain).toHaveLength(60)
      const { discrepancies } = await verified(both[0])
      expect(discrepancies.filter(({ seq }) => seq !== undefined)).toEqual([])
      // A third looks through it all, and so does everybody then.
      await using third = await besideOn(both.url)
      for (const { store } of [...both, third]) {
        await store.look()
        await store.lookedThrough()
        expect(store.intrusion).toEqual({ doubts: [], damaged: [] })
      }
    },
  )

  it('use a token once', async () => {
    await using both = await pair()
    const used = await Promise.all(
      Array.from({ length: 20 }, (_, n) => {
        const store = both[n % 2]!
        return store.unit.write((tx) => store.usedTokens.use(tx, `token ${n >> 1}`, 1))
      }),
    )
    expect(used.filter(Boolean)).toHaveLength(10)
  })

  it('count what is held together', async () => {
    await using both = await pair()
    const task = aTask()
    await both[0].unit.write((tx) => put(both[0], tx, task))
    const counted = await Promise.all(
      Array.from({ length: 20 }, (_, n) => {
        const store = both[n % 2]!
        return store.unit.write(async (tx) => {
          const { agent } = await store.leases.countUnfinished(tx, { agent: task.agent }, task.id)
          if (agent >= 7) return false
          await store.leases.insert(tx, aLease(task, { secretHash: `${n}` }))
          return true
        })
      }),
    )
    expect(counted.filter(Boolean)).toHaveLength(7)
  })

  it('are told at once, as the turn begins, what the commit before has asked for: as another broker has left it', async () => {
    await using both = await pair()
    const task = aTask()
    await both[0].unit.write((tx) => put(both[0], tx, task))
    const ask = (store: Beside) =>
      store.unit.write(async (tx) => {
        const fenced = await fences.any(tx)
        const { agent } = await store.leases.countUnfinished(tx, { agent: task.agent }, task.id)
        await store.leases.insert(tx, aLease(task))
        return { fenced, agent }
      })
    expect(await ask(both[0])).toEqual({ fenced: false, agent: 0 })
    expect(await ask(both[1])).toEqual({ fenced: false, agent: 1 })
    const fence = {
      id: 'fence_1',
      selector: { all: true as const },
      agents: [],
      reason: 'incident',
      by: 'ops@example.com',
      at: noon,
      until: null,
    }
    await both[1].unit.write((tx) => fences.insert(tx, fence, 'all'))
    const asked = vi.spyOn(Session.prototype, 'all')
    expect(await ask(both[0])).toEqual({ fenced: true, agent: 2 })
    const alone = asked.mock.calls.filter(([sql]) => /"counts" where "key"|max\(ordinal\) as last/.test(sql))
    asked.mockRestore()
    expect(alone).toEqual([])
    // A count that was there no longer when it was read ahead, and one that was not there yet.
    const all = await both[0].unit.read((tx) => both[0].leases.find(tx, { task: task.id }))
    await both[1].unit.write(async (tx) => {
      for (const { id } of all) await both[1].leases.move(tx, id, 'expired', { dueAt: null })
    })
    expect((await ask(both[0])).agent).toBe(0)
    expect((await verified(both[1])).discrepancies.filter(({ message }) => /count/.test(message))).toEqual([])
  })

  it('join a commit for as long as another has its turn', async () => {
    using _still = still()
    await using both = await pair()
    const commits = async () =>
      Number((await besideDatabase(both.url, 'select commits from audit_head'))[0]!['commits'])
    const write = async (store: Beside) => await store.unit.write(async (tx) => note(store, tx))
    const before = await commits()
    const begun = Promise.withResolvers<void>()
    const done = Promise.withResolvers<void>()
    const first = both[1].unit.write(async (tx) => {
      note(both[1], tx)
      begun.resolve()
      await done.promise
    })
    await begun.promise
    const written = [write(both[0])]
    const waiting = "select from pg_locks where locktype = 'advisory' and not granted"
    await until(async () => (await besideDatabase(both.url, waiting)).length > 0)
    for (let n = 0; n < 5; n += 1) written.push(write(both[0]))
    done.resolve()
    await Promise.all([first, ...written])
    expect(await commits()).toBe(before + 2)
  })

  it('are not held up by one that stands still in the middle of its turn, and what that did is undone and done anew', async () => {
    await using both = await pair()
    const [lost, anew, kept] = [aTask(), aTask(), aTask()]
    const begun = Promise.withResolvers<void>()
    const thawed = Promise.withResolvers<void>()
    const tries = [lost, anew]
    const frozen = both[0].unit.write(async (tx) => {
      const known = await both[0].tasks.get(tx, kept.id)
      await put(both[0], tx, tries.shift()!)
      begun.resolve()
      await thawed.promise
      return known
    })
    await begun.promise
    await both[1].unit.write((tx) => put(both[1], tx, kept))
    thawed.resolve()
    // It goes on from what the other has written, not from what it knew.
    expect(await frozen).toEqual(kept)
    const next = aTask()
    await both[0].unit.write(async (tx) => {
      expect(await both[0].tasks.get(tx, kept.id)).toEqual(kept)
      await put(both[0], tx, next)
    })
    const found = await both[1].unit.read((tx) =>
      Promise.all([lost, kept, anew, next].map(({ id }) => both[1].tasks.get(tx, id))),
    )
    expect(found.map((task) => task?.id)).toEqual([undefined, kept.id, anew.id, next.id])
    expect(both[0].store.intrusion.doubts).toEqual([])
  })
})

describe('nobody is taken for an intruder', () => {
  it('who is a broker: nothing is looked through again, whoever of them writes', async () => {
    await using both = await pair()
    for (const store of both) await store.store.lookedThrough()
    const before = await lastLook(both.url)
    for (let n = 0; n < 12; n += 1) {
      const store = both[n % 2]!
      await store.unit.write((tx) => put(store, tx, aTask()))
      await store.unit
        .write(async (tx) => {
          await put(store, tx, aTask())
          throw new Error('given up')
        })
        .catch(() => undefined)
      // In one commit, behind marks of which those that nothing was written behind take no number.
      const reads = () => store.unit.write((tx) => store.tasks.get(tx, 'task_none'))
      const writes = () => store.unit.write((tx) => put(store, tx, aTask()))
      await Promise.all([reads(), writes(), reads(), reads(), writes()])
    }
    expect(await lastLook(both.url)).toBe(before)
  })

  it.each([
    ['deletes a used token', 'delete from used_tokens'],
    ['puts the head back', 'update audit_head set commits = commits - 1'],
    ['drops an index', 'drop index leases_due'],
  ])('but who %s, by whichever broker writes next', async (_what, sql) => {
    await using both = await pair()
    await both[0].unit.write(async (tx) => void (await both[0].usedTokens.use(tx, 'token', 1)))
    await both[1].unit.write(async (tx) => note(both[1], tx))
    await besideDatabase(both.url, sql)
    for (const store of [both[0], both[1]])
      await expect(store.unit.write((tx) => put(store, tx, aTask()))).rejects.toSatisfy((error) =>
        isBrokerError(error, 'unavailable'),
      )
  })
})

it('what a broker put on record is not written over by one that is behind, although the head was altered', async () => {
  await using both = await pair()
  await both[0].unit.write(async (tx) => note(both[0], tx, { by: 'one' }))
  await both[1].unit.write(async (tx) => note(both[1], tx, { by: 'other' }))
  await besideDatabase(both.url, "update audit_head set mac = 'x'")
  await both[0].unit.write(async (tx) => note(both[0], tx, { by: 'one again' }))
  await both[1].unit.write(async (tx) => note(both[1], tx, { by: 'other again' }))
  const said = (await events(both[0])).map(({ data }) => data?.['by'])
  expect(said).toEqual(['one', 'other', 'one again', 'other again'])
  for (const store of both) expect(() => store.store.mayGrant()).toThrow('not as it was left')
})

it('a process that must be alone has it only while no broker does, and no broker while it has', async () => {
  const url = await server.database()
  const tool = await openPostgres({ url }, testSeal())
  await expect(severalOn(url, 1)).rejects.toThrow('is running on')
  await tool.close()
  const [broker] = await severalOn(url, 1)
  await expect(openPostgres({ url }, testSeal())).rejects.toThrow('is running on')
  await broker!.store.close()
})
