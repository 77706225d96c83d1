/** What is known of the store from one commit to the next, for as long as nobody else writes it (docs/decisions/0069). */
import { StatementSync } from 'node:sqlite'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Tx } from '../../src/base/unit.ts'
import { unfinishedStatuses } from '../../src/leases/lease.ts'
import { Session } from '../../src/store/postgres-session.ts'
import { rowsIn } from '../../src/store/transaction.ts'
import type { Task } from '../../src/tasks/task.ts'
import { besideOn, severalOn } from '../support/beside.ts'
import { embeddedServer, type PostgresServer, serverTakesMs } from '../support/postgres-server.ts'
import { sqliteStore } from '../support/sqlite.ts'
import { aLease, aTask, noon, put, putLeases, type StoreSubject } from '../support/store.ts'

let server: PostgresServer
beforeAll(async () => void (server = await embeddedServer()), serverTakesMs)
afterAll(() => server[Symbol.asyncDispose](), serverTakesMs)
afterEach(() => vi.restoreAllMocks())

const alone = {
  SQLite: {
    open: (): Promise<StoreSubject> => sqliteStore(),
    reads: () => vi.spyOn(StatementSync.prototype, 'all'),
    // Whether somebody else has written.
    each: 1,
  },
  PostgreSQL: {
    open: async (): Promise<StoreSubject> => await besideOn(await server.database()),
    reads: () => vi.spyOn(Session.prototype, 'all'),
    // Whether somebody else has written, the head, and whether the record has been continued.
    each: 3,
  },
}

describe.each(Object.entries(alone))('on %s', (_, { open, reads, each }) => {
  it('what works have written is not read again by those that come later', async () => {
    await using store = await open()
    const task = await store.unit.write((tx) => put(store, tx, aTask()))
    const lease = aLease(task, {}, store.seal)
    await store.unit.write((tx) => store.leases.insert(tx, lease))
    const asked = reads()
    const found = await store.unit.write(async (tx) => ({
      task: (await store.tasks.get(tx, task.id))?.id,
      lease: (await store.leases.get(tx, lease.id))?.id,
      unfinished: (await store.leases.find(tx, { task: task.id, statuses: unfinishedStatuses })).length,
      held: await store.leases.countUnfinished(tx, task, task.id),
      tree: await store.tasks.tree(tx, task.id),
      children: await store.tasks.openChildren(tx, task.id),
      approvals: await store.approvals.ofTask(tx, task.id),
    }))
    expect(found).toEqual({
      task: task.id,
      lease: lease.id,
      unfinished: 1,
      held: { agent: 1, task: 1 },
      tree: [task.id],
      children: [],
      approvals: [],
    })
    expect(asked).toHaveBeenCalledTimes(each)
  })

  it('what somebody else has written since is found', async () => {
    await using store = await open()
    const [lease, other] = await putLeases(store, {}, {})
    const { id, task } = lease!
    await store.beside(`update leases set fingerprint = 'altered' where id = '${id}'`)
    await store.beside(`delete from leases where id = '${other!.id}'`)
    const found = await store.unit.write(async (tx) => [
      await store.leases.get(tx, id),
      await store.leases.get(tx, other!.id),
      (await store.leases.find(tx, { task, statuses: unfinishedStatuses })).length,
    ])
    expect(found).toEqual([
      expect.objectContaining({ says: expect.objectContaining({ fingerprint: 'altered' }) as unknown }),
      undefined,
      1,
    ])
  })

  it('and so is what somebody puts back as it was', async () => {
    await using store = await open()
    const [lease] = await putLeases(store, {})
    const { id } = lease!
    await store.beside(`update leases set status = 'revoked' where id = '${id}'`)
    expect(await store.unit.write((tx) => store.leases.get(tx, id))).toHaveProperty('damaged')
    await store.beside(`update leases set status = 'active' where id = '${id}'`)
    expect(await store.unit.write((tx) => store.leases.get(tx, id))).toEqual(
      await store.unit.read((tx) => store.leases.get(tx, id)),
    )
  })

  it('what a work has removed, and failed, is in its place again for the next', async () => {
    await using store = await open()
    const leases = await putLeases(store, {}, {})
    const task = await store.unit.write((tx) => put(store, tx, aTask()))
    const another = (tx: Tx) => store.leases.insert(tx, aLease(task, {}, store.seal))
    const failing = store.unit.write(async (tx) => {
      const rows = rowsIn(tx)
      for (const { id } of leases) await rows.remove('leases', (await rows.one('leases', 'id', id))!)
      await another(tx)
      throw new Error('nothing of it is kept')
    })
    await expect(failing).rejects.toThrow(/kept/)
    await store.unit.write(another)
    expect(await store.unit.read((tx) => store.leases.find(tx, {}))).toHaveLength(3)
  })

  it('nothing of a commit that failed is known', async () => {
    await using store = await open()
    const [lease] = await putLeases(store, {})
    const { id, task } = lease!
    const failing = store.unit.write(async (tx) => {
      // It is run again.
      vi.restoreAllMocks()
      await store.leases.move(tx, id, 'revoking', { dueAt: noon })
      store.audit.record(tx, { at: noon, type: 'lease.revoked', actor: 'broker', task, lease: id })
      vi.spyOn(JSON, 'stringify').mockImplementation(() => {
        throw new Error('the head cannot be written')
      })
    })
    await expect(failing).rejects.toHaveProperty('code', 'unavailable')
    vi.restoreAllMocks()
    expect(await store.unit.write((tx) => store.leases.get(tx, id))).toMatchObject({ status: 'active' })
  })
})

it('what somebody else had begun to write before it was read is found once that is committed', async () => {
  const url = await server.database()
  await using store = await besideOn(url)
  const [lease] = await putLeases(store, {})
  const { id } = lease!
  const find = () => store.unit.write((tx) => store.leases.get(tx, id))
  const somebody = new pg.Client(url)
  await somebody.connect()
  await somebody.query('begin')
  await somebody.query(`update leases set status = 'revoked' where id = '${id}'`)
  // Only behind what was numbered later is it seen that it is under way.
  await store.unit.write(async (tx) => void (await store.usedTokens.use(tx, 'token', noon)))
  expect(await find()).not.toHaveProperty('damaged')
  await somebody.query('commit')
  await somebody.end()
  expect(await find()).toHaveProperty('damaged')
})

it('another broker’s work is found by one that has not seen yet that it has come', async () => {
  const url = await server.database()
  await using first = await besideOn(url)
  const task = await first.unit.write((tx) => put(first, tx, aTask()))
  await using second = await besideOn(url)
  expect(first.store.beside!.living).toHaveLength(1)
  await second.unit.write((tx) => second.tasks.end(tx, task.id, 'completed', 'completed', noon))
  expect(await first.unit.write((tx) => first.tasks.get(tx, task.id))).toMatchObject({ status: 'completed' })
})

describe('beside another broker', () => {
  it('a row that is put in behind a removal has a place of its own', async () => {
    const [store, other] = await severalOn(await server.database(), 2)
    const [gone] = await putLeases(store!, {}, {})
    const task = await store!.unit.write((tx) => put(store!, tx, aTask()))
    const another = (tx: Tx) => store!.leases.insert(tx, aLease(task, {}, store!.seal))
    await store!.unit.write(another)
    const remove = async (tx: Tx) => {
      const rows = rowsIn(tx)
      await rows.remove('leases', (await rows.one('leases', 'id', gone!.id))!)
    }
    await Promise.all([another, remove, another].map((work) => store!.unit.write(work)))
    expect(await store!.unit.read((tx) => store!.leases.find(tx, {}))).toHaveLength(4)
    for (const each of [store!, other!]) await each.store.close()
  })
})

// How many numbers were taken behind a refusal nobody can tell: as many others may have been somebody else's.
it.each([1, 2, 3])('what somebody writes in %i commits behind a refused work is found', async (commits) => {
  const url = await server.database()
  await using store = await besideOn(url)
  const [lease] = await putLeases(store, {})
  const { id, task } = lease!
  const known = await store.unit.write((tx) => store.tasks.get(tx, task))
  const twice = store.unit.write((tx) => put(store, tx, known as Task))
  const behind = store.unit.write((tx) => store.leases.amend(tx, id, ['active'], { attempts: 1 }))
  await expect(twice).rejects.toHaveProperty('code', 'unavailable')
  await behind
  for (let n = 0; n < commits; n += 1)
    await store.beside(`update leases set attempts = ${n + 7} where id = '${id}'`)
  expect(await store.unit.write((tx) => store.leases.get(tx, id))).toHaveProperty('damaged')
})
