/** What every store must do for tasks, their approvals and the tokens that open them. */
import { describe, expect, it } from 'vitest'
import {
  openStatuses,
  type OpenCursor,
  type Task,
  type TaskStore,
  taskStatuses,
  type TaskStatus,
} from '../../src/tasks/task.ts'
import { asRead } from '../../src/base/damage.ts'
import type { Tx } from '../../src/base/unit.ts'
import { aLease, aTask, hour, noon, put, type StoreSubject } from '../support/store.ts'

/** Design §6, written out once more: the code's own table is what is tested. */
const taskMoves: Record<TaskStatus, TaskStatus[]> = {
  pending_approval: ['active', 'denied', 'expired', 'revoked', 'completed'],
  active: ['completed', 'expired', 'revoked'],
  denied: [],
  expired: [],
  revoked: [],
  completed: [],
}
/** `store` gives the store under test, once the tests run. */
export function taskStoreContract(store: () => StoreSubject, untyped: boolean): void {
  const read = <T>(work: (tx: Tx) => Promise<T>) => store().unit.read(work)
  const write = <T>(work: (tx: Tx) => Promise<T>) => store().unit.write(work)

  describe('tasks', () => {
    it('are found by token, and by every member of a filter', async () => {
      const [one, other] = [aTask({ agent: 'finder' }), aTask({ agent: 'finder', owner: 'else@acme.dev' })]
      await write(async (tx) => {
        await put(store(), tx, one, 'token of one')
        await put(store(), tx, other)
      })
      const found = async (filter: Parameters<TaskStore['find']>[1]) =>
        (await read((tx) => store().tasks.find(tx, filter))).map((task) => task.id)
      expect(await read((tx) => store().tasks.byTokenHash(tx, 'token of one'))).toEqual(one)
      expect(await read((tx) => store().tasks.byTokenHash(tx, 'token of none'))).toBeUndefined()
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
            await put(store(), tx, task)
            return to === 'active'
              ? await store().tasks.activate(tx, task.id, noon + hour)
              : await store().tasks.end(tx, task.id, to, 'revoked', noon + 1)
          })
          const allowed = taskMoves[from].includes(to)
          const expected: Partial<Task> = !allowed
            ? {}
            : to === 'active'
              ? { status: to, expiresAt: noon + hour }
              : { status: to, endReason: 'revoked', endedAt: noon + 1 }
          expect({ from, to, moved }).toEqual({ from, to, moved: allowed })
          expect(await read((tx) => store().tasks.get(tx, task.id))).toEqual({ ...task, ...expected })
        }
    })

    it('are counted while they are open, with when the first is over at the latest', async () => {
      const agent = 'busy'
      const count = () =>
        read(async (tx) => ({
          ...(await store().tasks.countOpen(tx, { agent })),
          first: await store().tasks.firstEnd(tx, { agent }, openStatuses, 0),
          second: await store().tasks.firstEnd(tx, { agent }, openStatuses, 1),
          firstPending: await store().tasks.firstEnd(tx, { agent }, ['pending_approval'], 0),
        }))
      expect(await count()).toEqual({ all: 0, pending: 0, first: null, second: null, firstPending: null })
      await write(async (tx) => {
        for (const status of taskStatuses)
          for (const expiresAt of [noon + 2, noon + (status === 'active' ? 1 : 3)])
            await put(store(), tx, aTask({ agent, status, expiresAt }))
        await put(store(), tx, aTask({ expiresAt: noon }))
      })
      expect(await count()).toEqual({
        all: 4,
        pending: 2,
        first: noon + 1,
        second: noon + 2,
        firstPending: noon + 2,
      })
    })

    it('are gone through a few at a time while they are open, each once', async () => {
      const open: string[] = []
      await write(async (tx) => {
        for (const status of taskStatuses)
          for (const end of [3, 1, 2, 1, 1, 4, 2]) {
            const task = await put(store(), tx, aTask({ status, agent: 'many', expiresAt: noon + end }))
            if (status === 'active' || status === 'pending_approval') open.push(task.id)
          }
      })
      for (const limit of [1, 2, 7, 100]) {
        const seen: string[] = []
        let cursor: OpenCursor | undefined
        do {
          const page = await read((tx) => store().tasks.openAfter(tx, cursor, limit))
          expect(page.tasks.length).toBeLessThanOrEqual(limit)
          const { rows, next } = await read((tx) => store().tasks.openRowsAfter(tx, cursor, limit))
          expect(rows.map(({ id, status, agent, ttl }) => ({ id, status, agent, ttl }))).toEqual(
            page.tasks.map(asRead).map(({ id, status, agent, ttl }) => ({ id, status, agent, ttl })),
          )
          expect(next).toEqual(page.next)
          seen.push(...page.tasks.filter(({ agent }) => agent === 'many').map(({ id }) => id))
          cursor = page.next
        } while (cursor)
        expect(seen.toSorted()).toEqual(open.toSorted())
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
        for (const task of [late, later, ended, last]) await put(store(), tx, task)
      })
      const ours = [late, later, ended, last].map((task) => task.id)
      const due = async (now: number) =>
        (await read((tx) => store().tasks.due(tx, now, 1000)))
          .map((task) => task.id)
          .filter((id) => ours.includes(id))
      expect(await due(at - 1)).toEqual([])
      expect(await due(at + 1)).toEqual([later.id, late.id])
      expect(await read((tx) => store().tasks.nextDue(tx, at + 1))).toBe(at + 2)
      expect(await read((tx) => store().tasks.nextDue(tx, at + 2))).toBeUndefined()
      expect(await read((tx) => store().tasks.due(tx, at + 9, 1))).toHaveLength(1)
    })

    it.each([
      ['status', "'lost'"],
      ['created_at', '9e18'],
      ['ended_at', '1e16'],
      ['context', `'{"model":7}'`],
      ['scope', `'[{"provider":"github","connection":"acme","detail":null}]'`],
      ['ttl', '-1'],
      ...(untyped
        ? [
            ['expires_at', "'soon'"],
            ['purpose', "x'00ff'"],
          ]
        : []),
    ])('whose %s is %s are listed all the same, and can be ended', async (column, value) => {
      const task = aTask()
      await write((tx) => put(store(), tx, task))
      await store().beside(`update tasks set ${column} = ${value} where id = '${task.id}'`)
      const { items } = await read((tx) => store().tasks.list(tx, { id: task.id }, { limit: 10 }))
      expect(items).toMatchObject([{ says: { scope: [] }, damaged: expect.stringContaining(column) }])
      const { createdAt, expiresAt, endedAt } = asRead(items[0]!)
      for (const at of [createdAt, expiresAt, endedAt ?? 0])
        expect(() => new Date(at).toISOString()).not.toThrow()
      expect(await write((tx) => store().tasks.end(tx, task.id, 'expired', 'deadline', noon))).toBe(true)
    })

    it('may be of any tree, and hang off any task, once they are altered, until their end finds nothing to do', async () => {
      const root = aTask()
      const child = aTask({ parent: root.id, root: root.id, depth: 1 })
      const below = aTask({ parent: child.id, root: root.id, depth: 2 })
      const lease = aLease(child, { status: 'active' })
      await write(async (tx) => {
        for (const task of [root, child, below]) await put(store(), tx, task)
        await store().leases.insert(tx, lease)
      })
      const ids = (found: { id: string }[]) => found.map(({ id }) => id)
      const altered = () => write(async (tx) => ids(await store().tasks.altered(tx)))
      expect(await altered()).not.toContain(child.id)
      await store().beside(`update tasks set parent = null, root = 'x' where id = '${child.id}'`)
      expect(await altered()).toContain(child.id)
      await write(async (tx) => {
        expect(await store().tasks.tree(tx, root.id)).toContain(child.id)
        expect(ids(await store().tasks.below(tx, root.id))).toEqual(
          expect.arrayContaining([child.id, below.id]),
        )
        await store().tasks.end(tx, child.id, 'revoked', 'parent_ended', noon)
      })
      // What hangs off it goes on, and so does what it holds.
      expect(await altered()).toContain(child.id)
      await write((tx) => store().tasks.end(tx, below.id, 'revoked', 'parent_ended', noon))
      expect(await altered()).toContain(child.id)
      await write((tx) => store().leases.move(tx, lease.id, 'revoking', {}))
      expect(await altered()).not.toContain(child.id)
      // On its way out it is held still.
      const tree = () => write((tx) => store().tasks.tree(tx, root.id))
      expect(await tree()).toContain(child.id)
      await write((tx) => store().leases.move(tx, lease.id, 'revoked', { dueAt: null }))
      expect(await tree()).not.toContain(child.id)
    })

    it('can still be ended when their row is damaged', async () => {
      const task = aTask({ expiresAt: noon - 5000 })
      await write((tx) => put(store(), tx, task))
      await store().beside(`update tasks set scope = '{', principal = '' where id = '${task.id}'`)
      const found = (await read((tx) => store().tasks.due(tx, noon - 5000, 10))).find(
        ({ id }) => id === task.id,
      )
      expect(found).toMatchObject({
        says: { scope: [] },
        agent: task.agent,
        damaged: expect.stringContaining('JSON'),
      })
      expect(await write((tx) => store().tasks.end(tx, task.id, 'expired', 'deadline', noon))).toBe(true)
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
        await put(store(), tx, task)
        for (const each of [security, legal]) await store().approvals.insert(tx, each)
      })
      const settle = (status: 'granted' | 'denied', by: string) =>
        write((tx) => store().approvals.settle(tx, security.id, status, { ...settled, by }))
      const outcomes = await Promise.all([settle('granted', 'okta:alice'), settle('denied', 'okta:bob')])
      expect(outcomes).toEqual([true, false])
      await write((tx) => store().approvals.expire(tx, task.id))
      expect(await read((tx) => store().approvals.ofTask(tx, task.id))).toEqual([
        { ...security, status: 'granted', settled },
        { ...legal, status: 'expired' },
      ])
    })
  })

  describe('used tokens', () => {
    it('are used once, also by many at once', async () => {
      const uses = await Promise.all(
        Array.from({ length: 20 }, () => write((tx) => store().usedTokens.use(tx, 'one key', noon))),
      )
      expect(uses.filter(Boolean)).toHaveLength(1)
    })

    it('are not used up by a work that fails', async () => {
      const refused = write(async (tx) => {
        await store().usedTokens.use(tx, 'spared', noon)
        throw new Error('refused')
      })
      await expect(refused).rejects.toThrow('refused')
      expect(await write((tx) => store().usedTokens.use(tx, 'spared', noon))).toBe(true)
    })

    it('are forgotten once they could no longer pass, and not before', async () => {
      const use = (key: string, until: number) => write((tx) => store().usedTokens.use(tx, key, until))
      await use('early', noon - 20)
      await use('late', noon - 9)
      expect(await write((tx) => store().usedTokens.forget(tx, noon - 10))).toBe(1)
      expect([await use('early', noon), await use('late', noon)]).toEqual([true, false])
    })
  })
}
