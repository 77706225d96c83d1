/** What every store must do. Each backend runs this suite against an empty database of its own. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isBrokerError } from '../../src/base/errors.ts'
import type { Tx } from '../../src/base/unit.ts'
import { leaseCountsContract } from './store-lease-counts.ts'
import { leaseStoreContract } from './store-leases.ts'
import { aTask, events, note, put, type StoreSubject, verified } from '../support/store.ts'
import { taskStoreContract } from './store-tasks.ts'
import type { Task } from '../../src/tasks/task.ts'

/** `untyped`: whether any value fits into any column, so that somebody can have put it there. */
export function storeContract(open: () => Promise<StoreSubject>, untyped: boolean): void {
  let store: StoreSubject
  beforeAll(async () => {
    store = await open()
  })
  afterAll(() => store[Symbol.asyncDispose]())

  const read = <T>(work: (tx: Tx) => Promise<T>) => store.unit.read(work)
  const write = <T>(work: (tx: Tx) => Promise<T>) => store.unit.write(work)

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

    it('that the database refuses leaves nothing, and what is begun behind it is done all the same', async () => {
      const root = aTask()
      await write((tx) => put(store, tx, root))
      const before = (await events(store)).length
      const besides = Array.from({ length: 6 }, () => aTask({ root: root.id, parent: root.id }))
      const seen: number[] = []
      const outcomes = await Promise.allSettled(
        besides.map((task, index) =>
          write(async (tx) => {
            // The second and the fifth, and the last, whose refusal is heard when nothing is begun any more.
            const refused = index % 3 === 1 || index === 5
            // Some read first and some do not.
            if (index % 2 === 0) seen[index] = (await store.tasks.tree(tx, root.id)).length
            await put(store, tx, refused ? root : task)
            note(store, tx, { about: task.id })
          }),
        ),
      )
      const kept = besides.filter((_, index) => [0, 2, 3].includes(index)).map(({ id }) => id)
      expect(outcomes.map(({ status }) => status === 'fulfilled')).toEqual(
        besides.map(({ id }) => kept.includes(id)),
      )
      for (const outcome of outcomes)
        if (outcome.status === 'rejected') expect(isBrokerError(outcome.reason, 'unavailable')).toBe(true)
      expect([seen[0], seen[2], seen[4]]).toEqual([1, 2, 4])
      expect((await read((tx) => store.tasks.tree(tx, root.id))).toSorted()).toEqual(
        [root.id, ...kept].toSorted(),
      )
      const added = (await events(store)).slice(before).map((event) => event.data?.['about'])
      expect(added).toEqual(kept)
    })

    it('that the database refuses has read nothing for those after it', async () => {
      const root = aTask()
      await write((tx) => put(store, tx, root))
      const whose = { agent: root.agent }
      const held = (task: Task) =>
        write(async (tx) => {
          await put(store, tx, task)
          return (await store.leases.countUnfinished(tx, whose, root.id)).agent
        })
      const outcomes = await Promise.allSettled([held(root), held(aTask({ agent: root.agent }))])
      expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])
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

    it('is found by what is looked up alone as soon as it is durable', async () => {
      const task = aTask()
      const find = (id: string) => store.unit.find((tx) => store.tasks.get(tx, id))
      await write(async (tx) => {
        await put(store, tx, task)
        expect(await find(task.id)).toBeUndefined()
      })
      expect(await find(task.id)).toEqual(task)
    })

    it('is looked up with one question: what is more, is written, or is put together, is refused', async () => {
      const { id } = await write((tx) => put(store, tx, aTask()))
      const find = (work: (tx: Tx) => Promise<unknown>) => store.unit.find(work)
      const [two, composed] = [/one question/, /looked up/]
      const both = (tx: Tx) => Promise.all([store.tasks.get(tx, id), store.tasks.get(tx, 'another')])
      await expect(find(both)).rejects.toThrow(two)
      await expect(find((tx) => store.tasks.find(tx, {}))).rejects.toThrow(composed)
      await expect(find((tx) => put(store, tx, aTask()))).rejects.toThrow(two)
      await expect(
        find((tx) => store.tasks.end(tx, id, 'completed', 'completed', Date.now())),
      ).rejects.toThrow(two)
      expect(await read((tx) => store.tasks.get(tx, id))).toMatchObject({ status: 'active' })
    })

    it('is found as it is by then, whatever reads meanwhile', async () => {
      const task = aTask()
      const { promise: over, resolve: end } = Promise.withResolvers<void>()
      const reading = read(async (tx) => {
        const before = await store.tasks.get(tx, task.id)
        await over
        return before
      })
      await write((tx) => put(store, tx, task))
      const found = store.unit.find((tx) => store.tasks.get(tx, task.id))
      end()
      expect(await reading).toBeUndefined()
      expect(await found).toEqual(task)
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

  taskStoreContract(() => store, untyped)
  leaseCountsContract(() => store)
  // Last, for it leaves rows behind that are damaged.
  leaseStoreContract(() => store, untyped)

  it('after all of this, the chain verifies', async () => {
    const { discrepancies, events: number } = await verified(store)
    expect(number).toBeGreaterThan(100)
    expect(discrepancies.filter(({ seq }) => seq !== undefined)).toEqual([])
  })
}
