/** What every store must do. Each backend runs this suite against an empty database of its own. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isBrokerError } from '../../src/errors.ts'
import { type Lease, leaseStatuses, type LeaseStatus } from '../../src/leases/lease.ts'
import { classes } from '../../src/provider.ts'
import { type Task, taskStatuses, type TaskStatus } from '../../src/tasks/task.ts'
import type { Tx } from '../../src/unit.ts'
import {
  aLease,
  aTask,
  events,
  hour,
  noon,
  note,
  put,
  putLeases,
  type StoreSubject,
  unanswered,
  verified,
} from './store-subject.ts'

/** Design §6, written out once more: the code's own tables are what is tested. */
const taskMoves: Record<TaskStatus, TaskStatus[]> = {
  pending_approval: ['active', 'denied', 'expired', 'revoked', 'completed'],
  active: ['completed', 'expired', 'revoked'],
  denied: [],
  expired: [],
  revoked: [],
  completed: [],
}
const leaseMoves: Record<LeaseStatus, LeaseStatus[]> = {
  pending: ['active', 'failed', 'revoking'],
  active: ['revoking', 'expired'],
  revoking: ['revoked', 'expired', 'irrevocable'],
  irrevocable: ['revoked', 'expired'],
  revoked: [],
  failed: [],
  expired: [],
}

export function storeContract(open: () => Promise<StoreSubject>): void {
  let store: StoreSubject
  beforeAll(async () => {
    store = await open()
  })
  afterAll(() => store[Symbol.asyncDispose]())

  const read = <T>(work: (tx: Tx) => Promise<T>) => store.unit.read(work)
  const write = <T>(work: (tx: Tx) => Promise<T>) => store.unit.write(work)
  const lease = async (id: string) => (await read((tx) => store.leases.get(tx, id)))!

  describe('a unit of work', () => {
    it('is there, with its events, once write has resolved', async () => {
      const task = aTask()
      const answer = await write(async (tx) => {
        await put(store, tx, task)
        note(store, tx, { about: task.id })
        return 'answer'
      })
      expect(answer).toBe('answer')
      expect(await read((tx) => store.tasks.get(tx, task.id))).toEqual(task)
      expect((await events(store)).at(-1)).toMatchObject({ data: { about: task.id } })
    })

    it('leaves nothing when it fails, and takes none of its neighbours along', async () => {
      const before = (await events(store)).length
      const tasks = [aTask(), aTask(), aTask()]
      const failure = new Error('the second changed its mind')
      const outcomes = await Promise.allSettled(
        tasks.map((task, index) =>
          write(async (tx) => {
            await put(store, tx, task)
            note(store, tx, { about: task.id })
            if (index === 1) throw failure
          }),
        ),
      )
      expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
      expect(outcomes[1]).toHaveProperty('reason', failure)
      const kept = await read((tx) => Promise.all(tasks.map((task) => store.tasks.get(tx, task.id))))
      expect(kept.map((task) => task?.id)).toEqual([tasks[0]!.id, undefined, tasks[2]!.id])
      const added = (await events(store)).slice(before).map((event) => event.data?.['about'])
      expect(added).toEqual([tasks[0]!.id, tasks[2]!.id])
    })

    it('does not happen when its event cannot be chained, and its neighbours do (I6)', async () => {
      const tasks = [aTask(), aTask()]
      const outcomes = await Promise.allSettled([
        write(async (tx) => {
          await put(store, tx, tasks[0]!)
          note(store, tx, { cost: Number.NaN })
        }),
        write((tx) => put(store, tx, tasks[1]!)),
      ])
      expect(outcomes.map((outcome) => outcome.status)).toEqual(['rejected', 'fulfilled'])
      expect(await read((tx) => store.tasks.get(tx, tasks[0]!.id))).toBeUndefined()
    })

    it('that runs into the database’s own refusal is told `unavailable`, without its words', async () => {
      const task = aTask()
      const twice = write(async (tx) => {
        await put(store, tx, task)
        await put(store, tx, task)
      })
      await expect(twice).rejects.toSatisfy((error) => isBrokerError(error, 'unavailable'))
      await expect(twice).rejects.not.toThrow(/unique|constraint/i)
      expect(await read((tx) => store.tasks.get(tx, task.id))).toBeUndefined()
    })

    it('sees what each one before it has written, however many come at once', async () => {
      const root = aTask()
      await write((tx) => put(store, tx, root))
      const seen = await Promise.all(
        Array.from({ length: 150 }, () =>
          write(async (tx) => {
            const tree = await store.tasks.tree(tx, root.id)
            await put(store, tx, aTask({ root: root.id, parent: root.id }))
            return tree.length
          }),
        ),
      )
      expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 150 }, (_, index) => index + 1))
    })

    it('chains the events of many at once without a gap', async () => {
      await Promise.all(Array.from({ length: 120 }, (_, n) => write(async (tx) => note(store, tx, { n }))))
      const chain = await events(store)
      expect(chain.map((event) => event.seq)).toEqual(chain.map((_, index) => index + 1))
    })

    it('throws when it is used after its end', async () => {
      const kept: Tx[] = []
      await write(async (tx) => void kept.push(tx))
      await read(async (tx) => void kept.push(tx))
      await write(async (tx) => {
        kept.push(tx)
        throw new Error('given up')
      }).catch(() => undefined)
      expect(kept).toHaveLength(3)
      for (const tx of kept) {
        await expect((async () => store.tasks.get(tx, 'task_0'))()).rejects.toThrow('over')
        expect(() => note(store, tx)).toThrow('over')
      }
    })

    it('cannot record an event while it only reads', async () => {
      const before = (await events(store)).length
      await expect(read(async (tx) => note(store, tx))).rejects.toThrow(/record/)
      expect(await events(store)).toHaveLength(before)
    })

    it('reads one snapshot, whatever is committed meanwhile', async () => {
      const [first, second] = [aTask({ agent: 'snapshot' }), aTask({ agent: 'snapshot' })]
      await write((tx) => put(store, tx, first))
      const find = async (tx: Tx) => (await store.tasks.find(tx, { agent: 'snapshot' })).length
      const seen = await read(async (tx) => {
        const before = await find(tx)
        await write((other) => put(store, other, second))
        return [before, await find(tx)]
      })
      expect(seen).toEqual([1, 1])
      expect(await read(find)).toBe(2)
    })

    it('is read past: a read does not wait for a writer, nor sees what it has not committed', async () => {
      const task = aTask()
      const inserted = Promise.withResolvers<void>()
      const gate = Promise.withResolvers<void>()
      const writing = write(async (tx) => {
        await put(store, tx, task)
        inserted.resolve()
        await gate.promise
      })
      await inserted.promise
      expect(await read((tx) => store.tasks.get(tx, task.id))).toBeUndefined()
      gate.resolve()
      await writing
      expect(await read((tx) => store.tasks.get(tx, task.id))).toEqual(task)
    })
  })

  describe('tasks', () => {
    it('are found by token, and by every member of a filter', async () => {
      const [one, other] = [aTask({ agent: 'finder' }), aTask({ agent: 'finder', owner: 'else@acme.dev' })]
      await write(async (tx) => {
        await put(store, tx, one, 'token of one')
        await put(store, tx, other)
      })
      const found = async (filter: Parameters<typeof store.tasks.find>[1]) =>
        (await read((tx) => store.tasks.find(tx, filter))).map((task) => task.id)
      expect(await read((tx) => store.tasks.byTokenHash(tx, 'token of one'))).toEqual(one)
      expect(await read((tx) => store.tasks.byTokenHash(tx, 'token of none'))).toBeUndefined()
      expect(await found({ agent: 'finder' })).toEqual([one.id, other.id])
      expect(await found({ agent: 'finder', owner: 'else@acme.dev' })).toEqual([other.id])
      expect(await found({ id: one.id, issuer: 'ci' })).toEqual([one.id])
      expect(await found({ id: one.id, issuer: 'else' })).toEqual([])
      expect(await found({ agent: 'finder', statuses: ['completed'] })).toEqual([])
    })

    it('move from state to state as design §6 allows, and otherwise stay as they are', async () => {
      for (const from of taskStatuses)
        for (const to of taskStatuses.filter((status) => status !== 'pending_approval')) {
          const task = aTask({ status: from })
          const moved = await write(async (tx) => {
            await put(store, tx, task)
            return to === 'active'
              ? await store.tasks.activate(tx, task.id, noon + hour)
              : await store.tasks.end(tx, task.id, to, 'revoked', noon + 1)
          })
          const allowed = taskMoves[from].includes(to)
          const expected: Partial<Task> = !allowed
            ? {}
            : to === 'active'
              ? { status: to, expiresAt: noon + hour }
              : { status: to, endReason: 'revoked', endedAt: noon + 1 }
          expect({ from, to, moved }).toEqual({ from, to, moved: allowed })
          expect(await read((tx) => store.tasks.get(tx, task.id))).toEqual({ ...task, ...expected })
        }
    })

    it('come due by their deadline while they are open, the longest due first', async () => {
      const at = noon + 900 * hour
      const [late, later, ended, last] = [
        aTask({ expiresAt: at + 1 }),
        aTask({ expiresAt: at, status: 'pending_approval' }),
        aTask({ expiresAt: at - 1, status: 'completed' }),
        aTask({ expiresAt: at + 2 }),
      ] as const
      await write(async (tx) => {
        for (const task of [late, later, ended, last]) await put(store, tx, task)
      })
      const ours = [late, later, ended, last].map((task) => task.id)
      const due = async (now: number) =>
        (await read((tx) => store.tasks.due(tx, now, 1000)))
          .map((task) => task.id)
          .filter((id) => ours.includes(id))
      expect(await due(at - 1)).toEqual([])
      expect(await due(at + 1)).toEqual([later.id, late.id])
      expect(await read((tx) => store.tasks.nextDue(tx, at + 1))).toBe(at + 2)
      expect(await read((tx) => store.tasks.nextDue(tx, at + 2))).toBeUndefined()
      expect(await read((tx) => store.tasks.due(tx, at + 9, 1))).toHaveLength(1)
    })

    it('can still be ended when their row is damaged', async () => {
      const task = aTask({ expiresAt: noon - 5000 })
      await write((tx) => put(store, tx, task))
      await store.beside(`update tasks set scope = '{', principal = '' where id = '${task.id}'`)
      const found = (await read((tx) => store.tasks.due(tx, noon - 5000, 10))).find(
        ({ id }) => id === task.id,
      )
      expect(found).toMatchObject({ scope: [], agent: task.agent, damaged: expect.stringContaining('JSON') })
      expect(await write((tx) => store.tasks.end(tx, task.id, 'expired', 'deadline', noon))).toBe(true)
    })
  })

  describe('leases', () => {
    it('are kept as they are', async () => {
      const [kept] = await putLeases(store, {
        slot: 'a role',
        liveUntil: noon + 1,
        endedAt: noon + 2,
        evidence: { result: 'dead', method: 'it was asked', at: noon + 3 },
        attempts: 4,
        failingSince: noon + 5,
      })
      expect(await lease(kept!.id)).toEqual(kept)
    })

    it('move from state to state as design §6 allows, and otherwise stay as they are', async () => {
      const pairs = leaseStatuses.flatMap((from) => leaseStatuses.map((to) => ({ from, to })))
      const leases = await putLeases(store, ...pairs.map(({ from }) => ({ status: from })))
      for (const [index, { from, to }] of pairs.entries()) {
        const before = leases[index]!
        const moved = await write((tx) =>
          store.leases.move(tx, before.id, to, { endedAt: noon, handle: null }),
        )
        const allowed = leaseMoves[from].includes(to)
        expect({ from, to, moved }).toEqual({ from, to, moved: allowed })
        const expected = allowed ? { status: to, endedAt: noon, handle: null } : {}
        expect(await lease(before.id)).toEqual({ ...before, ...expected })
      }
    })

    it('are amended only in the states named', async () => {
      const [active] = await putLeases(store, {})
      const change = { attempts: 3, failingSince: noon, dueAt: noon }
      const amend = (statuses: LeaseStatus[]) =>
        write((tx) => store.leases.amend(tx, active!.id, statuses, change))
      expect(await amend(['revoking', 'irrevocable'])).toBe(false)
      expect(await lease(active!.id)).toEqual(active)
      expect(await amend(['active'])).toBe(true)
      expect(await lease(active!.id)).toEqual({ ...active, ...change })
    })

    it('come due, the longest due first, but for those to be skipped', async () => {
      const at = noon - 500 * hour
      const [second, first, skipped, resting] = await putLeases(
        store,
        { dueAt: at },
        { dueAt: at - 1 },
        { dueAt: at - 2 },
        { dueAt: null },
      )
      const due = await read((tx) => store.leases.due(tx, at, (id) => id === skipped!.id))
      expect(due).toEqual([first, second])
      expect(await read((tx) => store.leases.due(tx, at - 3, () => false))).toEqual([])
      expect(await read((tx) => store.leases.nextDue(tx, at - 1))).toBe(at)
      await write((tx) => store.leases.postpone(tx, first!.id, at + 7))
      expect(await read((tx) => store.leases.nextDue(tx, at))).toBe(at + 7)
      await write((tx) => store.leases.postpone(tx, resting!.id, at))
      expect(await lease(resting!.id)).toHaveProperty('dueAt', null)
    })

    it('are brought forward when they wait for another attempt on that connection, and only then', async () => {
      const waits = { status: 'revoking', attempts: 2, dueAt: noon + hour, connection: 'hastened' } as const
      const [ours, elsewhere, untried, over, due] = await putLeases(
        store,
        waits,
        { ...waits, connection: 'another' },
        { ...waits, attempts: 0 },
        { ...waits, status: 'revoked' },
        { ...waits, dueAt: noon - 1 },
      )
      expect(await write((tx) => store.leases.hasten(tx, 'fake', 'hastened', noon))).toBe(1)
      const dueAt = async (each: Lease | undefined) => (await lease(each!.id)).dueAt
      expect(await Promise.all([ours, elsewhere, untried, over, due].map(dueAt))).toEqual([
        noon,
        noon + hour,
        noon + hour,
        noon + hour,
        noon - 1,
      ])
    })

    it('whose mint was under way are adopted at the next start, and no others', async () => {
      const leaving = { ...unanswered, status: 'revoking' } as const
      const [pending, retired, known, recovered, active] = await putLeases(
        store,
        { ...unanswered, dueAt: noon + hour },
        { ...leaving, dueAt: noon + hour },
        { status: 'revoking', dueAt: noon + hour },
        { ...leaving, liveUntil: noon + hour, dueAt: noon + hour },
        {},
      )
      expect(await write((tx) => store.leases.adopt(tx, noon))).toBeGreaterThanOrEqual(2)
      const dueAt = async (each: Lease | undefined) => (await lease(each!.id)).dueAt
      expect(await Promise.all([pending, retired].map(dueAt))).toEqual([noon, noon])
      expect(await Promise.all([known, recovered, active].map(dueAt))).toEqual([
        noon + hour,
        noon + hour,
        noon + hour,
      ])
    })

    it('hold their classes for their agent and for the tasks of its tree, until they are over', async () => {
      const [task, other] = [aTask({ agent: 'holder' }), aTask({ agent: 'helper' })]
      await write(async (tx) => {
        await put(store, tx, task)
        await put(store, tx, other)
        await store.leases.insert(tx, aLease(task, { classes: ['read', 'deploy'] }))
        await store.leases.insert(tx, aLease(task, { classes: ['read'], status: 'irrevocable' }))
        await store.leases.insert(tx, aLease(task, { classes: ['admin'], status: 'revoked' }))
        await store.leases.insert(tx, aLease(other, { ...unanswered, classes: ['secrets'] }))
      })
      const held = async (agent: string, tasks: string[]) =>
        (await write((tx) => store.leases.held(tx, agent, tasks))).toSorted()
      expect(await held('holder', [])).toEqual(['deploy', 'read'])
      expect(await held('holder', [other.id])).toEqual(['deploy', 'read', 'secrets'])
      expect(await held('nobody', [task.id, other.id])).toEqual(['deploy', 'read', 'secrets'])
      expect(await held('nobody', [])).toEqual([])
    })

    it('hold every class when what they hold cannot be read', async () => {
      const task = aTask({ agent: 'unreadable' })
      const damaged = aLease(task)
      await write(async (tx) => {
        await put(store, tx, task)
        await store.leases.insert(tx, damaged)
      })
      await store.beside(`update leases set classes = '[' where id = '${damaged.id}'`)
      expect(await write((tx) => store.leases.held(tx, 'unreadable', []))).toEqual([...classes])
    })

    it('are counted while they are not over', async () => {
      const [task, other] = [aTask({ agent: 'counted' }), aTask({ agent: 'counted' })]
      await write(async (tx) => {
        for (const each of [task, other]) {
          await put(store, tx, each)
          for (const status of leaseStatuses) await store.leases.insert(tx, aLease(each, { status }))
        }
      })
      const count = (agent: string, id: string) => read((tx) => store.leases.countUnfinished(tx, agent, id))
      expect(await count('counted', task.id)).toEqual({ agent: 8, task: 4 })
      expect(await count('nobody', 'none')).toEqual({ agent: 0, task: 0 })
    })

    it('take their slot until their upstream life is over, whatever has become of them', async () => {
      const room = { provider: 'fake', connection: 'slots', slot: 'role', agent: 'refactor-bot' }
      const takes = { connection: 'slots', slot: 'role' }
      await putLeases(
        store,
        takes,
        { ...takes, status: 'revoked' },
        { ...takes, ...unanswered },
        { ...takes, agent: 'another' },
        { ...takes, slot: 'another' },
        { ...takes, status: 'failed', upstreamExpiresAt: null },
      )
      const count = (now: number) => read((tx) => store.leases.countSlots(tx, { ...room, now }))
      expect(await count(noon)).toEqual({ all: 4, agent: 3 })
      // Those that nobody has seen the end of keep their room.
      expect(await count(noon + hour)).toEqual({ all: 3, agent: 2 })
    })

    it('stand upstream from when they leave until their life there is over', async () => {
      const there = { connection: 'standing' }
      const [leaving, revoked] = await putLeases(
        store,
        { ...there, status: 'revoking' },
        { ...there, status: 'revoked' },
        { ...there, status: 'active' },
        { ...there, status: 'revoked', handle: null },
        { connection: 'elsewhere', status: 'revoking' },
      )
      const standing = (now: number) => read((tx) => store.leases.standing(tx, 'fake', 'standing', now))
      const of = ({ id, handle }: Lease) => ({ id, handle })
      expect(await standing(noon)).toEqual([of(leaving!), of(revoked!)])
      expect(await standing(noon + hour)).toEqual([])
    })

    it('forget their handle and come to rest only when they are over', async () => {
      const [over, live] = await putLeases(store, { status: 'revoked' }, { status: 'revoking' })
      await write(async (tx) => {
        await store.leases.forget(tx, over!.id)
        await store.leases.forget(tx, live!.id)
      })
      expect(await lease(over!.id)).toEqual({ ...over, handle: null, dueAt: null })
      expect(await lease(live!.id)).toEqual(live)
    })

    it.each([
      ['detail', "'{'", 'JSON'],
      ['classes', "'[1'", 'JSON'],
      ['evidence', "'no'", 'JSON'],
      ['status', "'lost'", 'state'],
    ])('with a damaged %s are handed on as damaged, beside the others', async (column, value, what) => {
      const at = noon - 700 * hour
      const [damaged, whole] = await putLeases(store, { dueAt: at }, { dueAt: at })
      await store.beside(`update leases set ${column} = ${value} where id = '${damaged!.id}'`)
      const due = await read((tx) => store.leases.due(tx, at, () => false))
      expect(due.find(({ id }) => id === whole!.id)).toEqual(whole)
      expect(due.find(({ id }) => id === damaged!.id)?.damaged).toContain(what)
      await write((tx) => store.leases.postpone(tx, damaged!.id, noon + hour))
      await write((tx) => store.leases.postpone(tx, whole!.id, noon + hour))
    })

    it('with a number beyond all numbers do not keep the others from being read', async () => {
      const [spoilt, whole] = await putLeases(store, {}, {})
      await store.beside(`update leases set created_at = 9223372036854775807 where id = '${spoilt!.id}'`)
      expect(await read((tx) => store.leases.find(tx, { task: whole!.task }))).toHaveLength(2)
    })
  })

  describe('approvals', () => {
    const asked = (task: Task, group: string) =>
      ({
        id: `appr_${task.id}_${group}`,
        task: task.id,
        group,
        digest: 'd',
        status: 'pending',
        createdAt: noon,
        settled: null,
      }) as const

    it('are settled once; those that nobody settles expire with their task', async () => {
      const task = aTask({ status: 'pending_approval' })
      const [security, legal] = [asked(task, 'security'), asked(task, 'legal')]
      const settled = { by: 'okta:alice', at: noon + 1, reason: null, mac: 'mac', key: 'k1' }
      await write(async (tx) => {
        await put(store, tx, task)
        for (const each of [security, legal]) await store.approvals.insert(tx, each)
      })
      const settle = (status: 'granted' | 'denied', by: string) =>
        write((tx) => store.approvals.settle(tx, security.id, status, { ...settled, by }))
      const outcomes = await Promise.all([settle('granted', 'okta:alice'), settle('denied', 'okta:bob')])
      expect(outcomes).toEqual([true, false])
      await write((tx) => store.approvals.expire(tx, task.id))
      expect(await read((tx) => store.approvals.ofTask(tx, task.id))).toEqual([
        { ...security, status: 'granted', settled },
        { ...legal, status: 'expired' },
      ])
    })
  })

  describe('used tokens', () => {
    it('are used once, also by many at once', async () => {
      const uses = await Promise.all(
        Array.from({ length: 20 }, () => write((tx) => store.usedTokens.use(tx, 'one key', noon))),
      )
      expect(uses.filter(Boolean)).toHaveLength(1)
    })

    it('are not used up by a work that fails', async () => {
      const refused = write(async (tx) => {
        await store.usedTokens.use(tx, 'spared', noon)
        throw new Error('refused')
      })
      await expect(refused).rejects.toThrow('refused')
      expect(await write((tx) => store.usedTokens.use(tx, 'spared', noon))).toBe(true)
    })

    it('are forgotten once they could no longer pass, and not before', async () => {
      const use = (key: string, until: number) => write((tx) => store.usedTokens.use(tx, key, until))
      await use('early', noon - 20)
      await use('late', noon - 9)
      expect(await write((tx) => store.usedTokens.forget(tx, noon - 10))).toBe(1)
      expect([await use('early', noon), await use('late', noon)]).toEqual([true, false])
    })
  })

  it('after all of this, the chain verifies', async () => {
    const { discrepancies, events: number } = await verified(store)
    expect(number).toBeGreaterThan(100)
    expect(discrepancies.filter(({ seq }) => seq !== undefined)).toEqual([])
  })
}
