/** What is not over is counted with each row that is written (docs/decisions/0037). */
import { StatementSync } from 'node:sqlite'
import fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import { type LeaseKind, leaseStatuses } from '../../src/leases/lease.ts'
import { rowsIn } from '../../src/store/transaction.ts'
import type { Task } from '../../src/tasks/task.ts'
import { type SqliteSubject, sqliteStore } from '../support/sqlite.ts'
import { aLease, aTask, noon, put, putLeases, unanswered, verified } from '../support/store.ts'

const faultsOf = async (store: SqliteSubject) =>
  (await verified(store)).discrepancies.filter(({ message }) => /count/.test(message))

it('works that share a commit each see what those before them hold, and nothing of one that fails', async () => {
  await using store = await sqliteStore()
  const opening = (cause?: Error) =>
    store.unit.write(async (tx) => {
      const task = await put(store, tx, aTask({ agent: 'crowd' }))
      const { agent: leases } = await store.leases.countUnfinished(tx, { agent: 'crowd' }, task.id)
      const held = await store.leases.lockHeld(tx, { agent: 'crowd', identity: 'nobody', tasks: [] })
      const classes = (['read', 'write', 'deploy'] as const).slice(leases, leases + 1)
      await store.leases.insert(tx, aLease(task, { classes }))
      if (cause) throw cause
      return { leases, held, tasks: (await store.tasks.countOpen(tx, { agent: 'crowd' })).all }
    })
  const failing = opening(new Error('nothing of it is kept')).catch(() => undefined)
  expect(await Promise.all([opening(), failing, opening(), opening()])).toEqual([
    { leases: 0, held: [], tasks: 1 },
    undefined,
    { leases: 1, held: ['read'], tasks: 2 },
    { leases: 2, held: ['read', 'write'], tasks: 3 },
  ])
})

it('the counts are what the rows add up to, whatever becomes of leases and tasks', async () => {
  await using store = await sqliteStore()
  const agents = ['one', 'two']
  const step = fc.record({
    agent: fc.constantFrom(...agents),
    status: fc.constantFrom(...leaseStatuses),
    to: fc.constantFrom(...leaseStatuses),
    fingerprint: fc.constantFrom('print', null),
    classes: fc.constantFrom(['read'] as const, ['read', 'deploy'] as const),
    ends: fc.boolean(),
    throws: fc.boolean(),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const works = steps.map(({ agent, status, to, fingerprint, classes, ends, throws }) =>
        store.unit
          .write(async (tx) => {
            const task = await put(store, tx, aTask({ agent }))
            const lease = aLease(task, {
              status,
              fingerprint,
              classes: [...classes],
              identity: `id ${agent}`,
            })
            await store.leases.insert(tx, lease)
            await store.leases.move(tx, lease.id, to, {})
            if (ends) await store.tasks.end(tx, task.id, 'completed', 'completed', noon)
            if (throws) throw new Error('nothing of it is kept')
          })
          .catch(() => undefined),
      )
      await Promise.all(works)
      expect(await faultsOf(store)).toEqual([])
    }),
    { numRuns: 15 },
  )
  const byRows = await store.unit.read((tx) => store.leases.find(tx, { agent: 'one' }))
  const held = byRows.filter(
    (lease) =>
      ['pending', 'active'].includes(lease.status) ||
      (['revoking', 'irrevocable'].includes(lease.status) &&
        !('damaged' in lease) &&
        lease.fingerprint !== null),
  )
  const { agent } = await store.unit.read((tx) => store.leases.countUnfinished(tx, { agent: 'one' }, 'none'))
  expect(agent).toBe(held.length)
})

it('what is asked before a mint reads no more rows, however many leases live', async () => {
  await using store = await sqliteStore()
  const task = aTask()
  await store.unit.write((tx) => put(store, tx, task))
  const add = (n: number) =>
    store.unit.write(async (tx) => {
      const others: Task = await put(store, tx, aTask())
      for (let i = 0; i < n; i += 1) await store.leases.insert(tx, aLease(others))
    })
  const rowsRead = async () => {
    let read = 0
    const all = vi.spyOn(StatementSync.prototype, 'all')
    await store.unit.write(async (tx) => {
      const { agent } = task
      const identity = aLease(task).identity
      expect(await store.leases.lockHeld(tx, { agent, identity, tasks: [task.id] })).toEqual(['write'])
      await store.leases.countUnfinished(tx, { agent }, task.id)
      await store.leases.countLost(tx, { agent })
      await store.tasks.countOpen(tx, { agent })
    })
    for (const result of all.mock.results) read += (result.value as unknown[]).length
    all.mockRestore()
    return read
  }
  await add(1)
  const few = await rowsRead()
  await add(300)
  expect(await rowsRead()).toBe(few)
})

it('a start finds out what the configuration must keep, and a look what is due, from no more rows', async () => {
  await using store = await sqliteStore()
  const task = aTask()
  await store.unit.write((tx) => put(store, tx, task))
  const add = (n: number) =>
    store.unit.write(async (tx) => {
      for (let i = 0; i < n; i += 1)
        await store.leases.insert(tx, aLease(task, { dueAt: noon + 1_000, status: 'revoking' }))
    })
  const rowsRead = async () => {
    const all = vi.spyOn(StatementSync.prototype, 'all')
    const kinds = await store.unit.read(async (tx) => {
      await store.leases.due(tx, noon, () => false)
      await store.leases.nextDue(tx, noon)
      await store.tasks.due(tx, noon, 200)
      await store.tasks.nextDue(tx, noon)
      const found: LeaseKind[] = []
      for await (const some of store.leases.unsettledKinds(tx)) found.push(...some)
      return found
    })
    const read = all.mock.results.reduce((sum, { value }) => sum + (value as unknown[]).length, 0)
    all.mockRestore()
    expect(kinds).toMatchObject([{ provider: 'fake', sealKey: 'k1' }])
    return read
  }
  await add(1)
  const few = await rowsRead()
  await add(300)
  expect(await rowsRead()).toBe(few)
})

it('a count that somebody else has altered is no count: the rows are read', async () => {
  await using store = await sqliteStore()
  const [lease] = await putLeases(store, { classes: ['deploy'] })
  await store.beside(`update counts set value = '{}'`)
  const { agent, task } = lease!
  const { held, count } = await store.unit.write(async (tx) => ({
    held: await store.leases.lockHeld(tx, { agent, identity: 'nobody', tasks: [] }),
    count: await store.leases.countUnfinished(tx, { agent }, task),
  }))
  expect({ held, count }).toEqual({ held: ['deploy'], count: { agent: 1, task: 1 } })
  expect((await verified(store)).discrepancies.map(({ subject }) => subject)).toContain(`agent ${agent}`)
})

it('nothing is granted once a count is missing', async () => {
  await using store = await sqliteStore()
  await putLeases(store, { classes: ['deploy'] })
  await store.beside('delete from counts')
  await expect(putLeases(store, {})).rejects.toHaveProperty('code', 'unavailable')
})

it('a count that does not add up is found by verification', async () => {
  await using store = await sqliteStore()
  const [lease] = await putLeases(store, {}, { ...unanswered, status: 'revoking' })
  const key = `agent ${lease!.agent}`
  await store.unit.write(async (tx) => {
    const row = (await rowsIn(tx).one('counts', 'key', key))!
    await rowsIn(tx).change('counts', row, { value: '{"class write":1,"held":1}' })
  })
  expect(await faultsOf(store)).toEqual([
    { subject: key, message: 'its count is not what the rows add up to' },
  ])
})

it('a count is not read as long as nobody else writes it', async () => {
  await using store = await sqliteStore()
  const [lease] = await putLeases(store, {})
  const whose = { agent: lease!.agent }
  const all = vi.spyOn(StatementSync.prototype, 'all')
  let read = 0
  try {
    await store.unit.write(async (tx) => {
      await store.leases.countUnfinished(tx, whose, lease!.task)
      await put(store, tx, aTask(whose))
    })
    read = all.mock.calls.flat().filter((value) => value === `agent ${whose.agent}`).length
  } finally {
    all.mockRestore()
  }
  expect(read).toBe(0)
})

it('a count whose row a work has written itself is read again', async () => {
  await using store = await sqliteStore()
  const [lease] = await putLeases(store, {})
  const whose = { agent: lease!.agent }
  const key = `agent ${whose.agent}`
  await store.unit.write(async (tx) => {
    await store.leases.countUnfinished(tx, whose, lease!.task)
    const row = (await rowsIn(tx).one('counts', 'key', key))!
    await rowsIn(tx).change('counts', row, { value: '{"held":6}' })
    await store.leases.insert(tx, aLease(await put(store, tx, aTask(whose))))
  })
  const row = await store.unit.write((tx) => rowsIn(tx).one('counts', 'key', key))
  expect(JSON.parse(row!.value)).toMatchObject({ held: 7 })
})
