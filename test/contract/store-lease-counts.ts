/** What every store must know of how much is held, without reading all that lives. */
import { describe, expect, it } from 'vitest'
import { type Lease, leaseStatuses } from '../../src/leases/lease.ts'
import { classes } from '../../src/provider/terms.ts'
import { openStatuses } from '../../src/tasks/task.ts'
import type { Tx } from '../../src/base/unit.ts'
import { aLease, aTask, noon, put, type StoreSubject, unanswered } from '../support/store.ts'

/** `store` gives the store under test, once the tests run. */
export function leaseCountsContract(store: () => StoreSubject): void {
  const read = <T>(work: (tx: Tx) => Promise<T>) => store().unit.read(work)
  const write = <T>(work: (tx: Tx) => Promise<T>) => store().unit.write(work)

  /** Of a lease that was altered, so that it keeps nobody else from anything: nothing of it could still work. */
  const harmless = (id: string) =>
    store().beside(`update leases set due_at = null, handle = null where id = '${id}'`)

  describe('leases that are counted', () => {
    it('hold their classes for their agent and for the tasks of its tree, until they are over', async () => {
      const [task, other] = [aTask({ agent: 'holder' }), aTask({ agent: 'helper' })]
      await write(async (tx) => {
        await put(store(), tx, task)
        await put(store(), tx, other)
        await store().leases.insert(tx, aLease(task, { classes: ['read', 'deploy'] }))
        await store().leases.insert(tx, aLease(task, { classes: ['read'], status: 'irrevocable' }))
        await store().leases.insert(tx, aLease(task, { classes: ['admin'], status: 'revoked' }))
        await store().leases.insert(tx, aLease(other, { ...unanswered, classes: ['secrets'] }))
      })
      const held = async (agent: string, tasks: string[]) =>
        (await write((tx) => store().leases.lockHeld(tx, { agent, identity: 'nobody', tasks }))).toSorted()
      expect(await held('holder', [])).toEqual(['deploy', 'read'])
      expect(await held('holder', [other.id])).toEqual(['deploy', 'read', 'secrets'])
      expect(await held('nobody', [task.id, other.id])).toEqual(['deploy', 'read', 'secrets'])
      expect(await held('nobody', [])).toEqual([])
    })

    it('hold their classes for the identity that holds them, whichever agent it is', async () => {
      const [one, other] = [aTask({ agent: 'deployer' }), aTask({ agent: 'reader' })]
      await write(async (tx) => {
        for (const task of [one, other]) await put(store(), tx, task)
        await store().leases.insert(tx, aLease(one, { identity: 'job', classes: ['deploy'] }))
        await store().leases.insert(
          tx,
          aLease(one, { identity: 'job', classes: ['admin'], status: 'revoked' }),
        )
        await store().leases.insert(tx, aLease(other, { identity: 'another', classes: ['secrets'] }))
      })
      const held = (identity: string) =>
        write((tx) => store().leases.lockHeld(tx, { agent: 'nobody', identity, tasks: [] }))
      expect(await held('job')).toEqual(['deploy'])
      expect(await held('another')).toEqual(['secrets'])
    })

    it.each(["'['", '-5', '9e18', '\'"deploy"\'', '\'["anything"]\''])(
      'hold every class when what they hold is %s',
      async (value) => {
        const task = aTask({ agent: `holder of ${value}` })
        const damaged = aLease(task)
        await write(async (tx) => {
          await put(store(), tx, task)
          await store().leases.insert(tx, damaged)
        })
        await store().beside(`update leases set classes = ${value} where id = '${damaged.id}'`)
        const whose = { agent: task.agent, identity: 'nobody', tasks: [] }
        expect(await write((tx) => store().leases.lockHeld(tx, whose))).toEqual([...classes])
        // Whoever reads knows as much.
        expect(await read((tx) => store().leases.lockHeld(tx, whose))).toEqual([...classes])
        await harmless(damaged.id)
      },
    )

    it('are counted while they are not over', async () => {
      const [task, other] = [aTask({ agent: 'counted' }), aTask({ agent: 'counted' })]
      await write(async (tx) => {
        for (const each of [task, other]) {
          await put(store(), tx, each)
          for (const status of leaseStatuses) await store().leases.insert(tx, aLease(each, { status }))
        }
      })
      const count = (agent: string, id: string) =>
        read((tx) => store().leases.countUnfinished(tx, { agent }, id))
      expect(await count('counted', task.id)).toEqual({ agent: 8, task: 4 })
      expect(await count('nobody', 'none')).toEqual({ agent: 0, task: 0 })
    })

    it('are counted for each person of an agent by themselves, and one by one where a row is altered', async () => {
      const agent = 'shared'
      const tasks = ['ada@acme.dev', 'bob the 2nd'].map((owner) => aTask({ agent, owner }))
      const lost = { ...unanswered, status: 'revoking' } as const
      const leases = tasks.flatMap((task) =>
        [{}, {}, lost].map((each) => aLease(task, { slot: 'shared', ...each })),
      )
      await write(async (tx) => {
        for (const task of tasks) await put(store(), tx, task)
        for (const each of leases) await store().leases.insert(tx, each)
      })
      const shares = [{ agent }, ...tasks.map(({ owner }) => ({ agent, owner })), { agent, owner: 'nobody' }]
      const room = { provider: 'fake', slot: 'shared', now: noon }
      const counted = () =>
        write(async (tx) =>
          Promise.all(
            shares.map(async (whose) => [
              (await store().tasks.countOpen(tx, whose)).all,
              (await store().leases.countUnfinished(tx, whose, 'none')).agent,
              await store().leases.countLost(tx, whose),
              (await store().leases.whenFree(tx, whose, 1)).active,
              (await store().leases.slotsTaken(tx, { ...room, whose })).length,
              await store().tasks.firstEnd(tx, whose, openStatuses, 0),
            ]),
          ),
        )
      const end = tasks[0]!.expiresAt
      const expected = [
        [2, 4, 2, 4, 4, end],
        [1, 2, 1, 2, 2, end],
        [1, 2, 1, 2, 2, end],
        [0, 0, 0, 0, 0, null],
      ]
      expect(await counted()).toEqual(expected)
      await store().beside(`update leases set attempts = 9 where id = '${leases[0]!.id}'`)
      await store().beside(`update tasks set ttl = 9 where id = '${tasks[1]!.id}'`)
      expect(await counted()).toEqual(expected)
      await harmless(leases[0]!.id)
    })

    it('of works that arrive together are counted in each with what those before have put', async () => {
      const opening = () =>
        write(async (tx) => {
          const task = await put(store(), tx, aTask({ agent: 'crowd' }))
          const { agent } = await store().leases.countUnfinished(tx, { agent: 'crowd' }, task.id)
          await store().leases.insert(tx, aLease(task))
          return { leases: agent, tasks: (await store().tasks.countOpen(tx, { agent: 'crowd' })).all }
        })
      expect(await Promise.all([opening(), opening(), opening()])).toEqual([
        { leases: 0, tasks: 1 },
        { leases: 1, tasks: 2 },
        { leases: 2, tasks: 3 },
      ])
    })

    it('are neither counted nor held where they were lost on their way', async () => {
      const task = aTask({ agent: 'unlucky' })
      const lost = { ...unanswered, classes: ['secrets' as const], connection: 'stormy' }
      const add = (changed: Partial<Lease>) => write((tx) => store().leases.insert(tx, aLease(task, changed)))
      await write((tx) => put(store(), tx, task))
      await add({ ...lost, status: 'revoking', createdAt: noon + 1 })
      await add({ ...lost, status: 'irrevocable', createdAt: noon + 2 })
      const whose = { agent: 'unlucky', provider: 'fake', connection: 'stormy' }
      const now = () =>
        read(async (tx) => ({
          count: await store().leases.countUnfinished(tx, { agent: 'unlucky' }, task.id),
          held: await store().leases.lockHeld(tx, { agent: 'unlucky', identity: 'nobody', tasks: [task.id] }),
          lost: await store().leases.countLost(tx, { agent: 'unlucky' }),
          last: await store().leases.lastUnanswered(tx, whose),
        }))
      expect(await now()).toEqual({ count: { agent: 0, task: 0 }, held: [], lost: 2, last: noon + 2 })

      await add({ ...lost, classes: ['deploy'], createdAt: noon + 3 })
      expect(await now()).toEqual({
        count: { agent: 1, task: 1 },
        held: ['deploy'],
        lost: 2,
        last: noon + 3,
      })
      // Upstream answered, and what it gave is on its way out: somebody may hold it.
      await add({ connection: 'stormy', status: 'revoking', createdAt: noon + 4 })
      const { count, held, last } = await now()
      expect({ count, held: held.toSorted(), last }).toEqual({
        count: { agent: 2, task: 2 },
        held: ['deploy', 'write'],
        last: null,
      })
    })

    it('are free again when enough are over by themselves, or are tried for the first time', async () => {
      const task = aTask({ agent: 'full' })
      await write((tx) => put(store(), tx, task))
      const free = (most: number) => read((tx) => store().leases.whenFree(tx, { agent: 'full' }, most))
      const add = (changed: Partial<Lease>) => write((tx) => store().leases.insert(tx, aLease(task, changed)))
      expect(await free(1)).toEqual({ active: 0, next: null })
      await add({ status: 'revoking', dueAt: noon + 30 })
      await add({ ...unanswered, status: 'revoking', dueAt: noon + 1 })
      await add({ status: 'revoked', dueAt: noon + 2 })
      expect(await free(1)).toEqual({ active: 0, next: noon + 30 })
      await add({ deadline: noon + 20 })
      await add({ deadline: noon + 40, dueAt: noon + 3 })
      expect(await free(3)).toEqual({ active: 2, next: noon + 20 })
      // A limit that was lowered takes more than one end.
      expect(await free(2)).toEqual({ active: 2, next: noon + 30 })
      expect(await free(1)).toEqual({ active: 2, next: noon + 40 })
      // An attempt may fail as the last one did.
      await add({ status: 'revoking', dueAt: noon + 5, failingSince: noon, upstreamExpiresAt: noon + 60 })
      expect(await free(4)).toEqual({ active: 2, next: noon + 20 })
      expect(await free(1)).toEqual({ active: 2, next: noon + 60 })
    })
  })
}
