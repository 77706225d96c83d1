/** What works write is sent together, and whatever is asked of the database is asked behind it (docs/decisions/0070). */
import { StatementSync } from 'node:sqlite'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Tx } from '../../src/base/unit.ts'
import { bound, queries, rowsIn } from '../../src/store/transaction.ts'
import { besideOn } from '../support/beside.ts'
import { embeddedServer, type PostgresServer, serverTakesMs } from '../support/postgres-server.ts'
import { sqliteStore } from '../support/sqlite.ts'
import { aLease, aTask, noon, note, put, putLeases, type StoreSubject, events } from '../support/store.ts'

let server: PostgresServer
beforeAll(async () => void (server = await embeddedServer()), serverTakesMs)
afterAll(() => server[Symbol.asyncDispose](), serverTakesMs)
afterEach(() => vi.restoreAllMocks())

const engines = {
  SQLite: {
    open: (): Promise<StoreSubject> => sqliteStore(),
    /** The texts of what is written from now on. */
    sent() {
      const { mock } = vi.spyOn(StatementSync.prototype, 'run')
      return () => (mock.contexts as StatementSync[]).map(({ sourceSQL }) => sourceSQL)
    },
  },
  PostgreSQL: {
    open: async (): Promise<StoreSubject> => await besideOn(await server.database()),
    sent() {
      const { mock } = vi.spyOn(pg.Client.prototype, 'query') as never as {
        mock: { calls: { text: string }[][] }
      }
      return () => mock.calls.map(([query]) => query!.text)
    },
  },
}

/** Works that share a commit: what has come of each. */
const together = async (store: StoreSubject, ...works: ((tx: Tx) => Promise<unknown>)[]) =>
  (await Promise.allSettled(works.map((work) => store.unit.write(work)))).map(({ status }) => status)

/** Each way to ask the database what it holds. */
const asks = {
  'by a query that is put together': async (tx) =>
    (await queries(tx).selectFrom('leases').select('id').execute()).map(({ id }) => id),
  'by a query that is written out': async (tx) =>
    (await bound(tx).statements.all('select id from leases')).map(({ id }) => id),
  'row after row': async (tx) => {
    const ids: unknown[] = []
    for await (const rows of bound(tx).statements.each('select id from leases'))
      ids.push(...rows.map(({ id }) => id))
    return ids
  },
  'by a condition': async (tx) => (await rowsIn(tx).where('leases', 'true', [])).map(({ id }) => id),
  'by another column': async (tx) =>
    [await rowsIn(tx).one('leases', 'fingerprint', 'looked for')].flatMap((row) => row?.id ?? []),
} satisfies Record<string, (tx: Tx) => Promise<unknown[]>>

describe.each(Object.entries(engines))('on %s', (_, { open, sent }) => {
  it('rows of one table that works of one commit put in share statements', async () => {
    await using store = await open()
    const opened = async (tx: Tx) =>
      await store.leases.insert(tx, aLease(await put(store, tx, aTask()), {}, store.seal))
    await together(store, opened)
    const texts = sent()
    await together(store, ...Array.from({ length: 7 }, () => opened))
    const written = texts()
    // Four, two and one.
    for (const table of ['tasks', 'leases'])
      expect(written.filter((text) => text.startsWith(`insert into "${table}"`))).toHaveLength(3)
    expect(written.filter((text) => /savepoint/i.test(text))).toEqual([])
    vi.restoreAllMocks()
    expect(await store.unit.read((tx) => store.leases.find(tx, {}))).toHaveLength(8)
  })

  it('what works of one commit do to one row is written once', async () => {
    await using store = await open()
    const [old] = await putLeases(store, {})
    const fresh = aLease({ ...aTask(), id: old!.task }, {}, store.seal)
    const moved = (id: string) => (tx: Tx) => store.leases.move(tx, id, 'revoking', { dueAt: noon })
    const over = (id: string) => (tx: Tx) =>
      store.leases.move(tx, id, 'revoked', { dueAt: null, endedAt: noon, evidence: null })
    const texts = sent()
    await together(
      store,
      (tx) => store.leases.insert(tx, fresh),
      moved(old!.id),
      moved(fresh.id),
      over(old!.id),
      over(fresh.id),
    )
    expect(texts().filter((text) => text.includes('"leases"'))).toEqual([
      expect.stringMatching(/^insert/),
      expect.stringMatching(/^update/),
    ])
    vi.restoreAllMocks()
    const ended = await store.unit.read((tx) => store.leases.find(tx, { statuses: ['revoked'] }))
    expect(ended.map((lease) => 'damaged' in lease)).toEqual([false, false])
  })

  it.each(Object.entries(asks))('what is asked %s is asked behind what was written', async (__, ask) => {
    await using store = await open()
    const task = await store.unit.write((tx) => put(store, tx, aTask()))
    const lent = (id: string) => aLease(task, { id, fingerprint: 'looked for' }, store.seal)
    const found: unknown[] = []
    await together(
      store,
      (tx) => store.leases.insert(tx, lent('earlier')),
      async (tx) => void found.push(await ask(tx)),
      async (tx) => {
        await rowsIn(tx).remove('leases', (await rowsIn(tx).one('leases', 'id', 'earlier'))!)
        await store.leases.insert(tx, lent('own'))
        found.push(await ask(tx))
      },
    )
    expect(found).toEqual([['earlier'], ['own']])
  })

  it.each(Object.entries(asks))(
    'a work that fails after it has asked %s leaves nothing, and disturbs no other',
    async (__, ask) => {
      await using store = await open()
      const task = await store.unit.write((tx) => put(store, tx, aTask()))
      const lend = (id: string) => (tx: Tx) =>
        store.leases.insert(tx, aLease(task, { id, fingerprint: id }, store.seal))
      const came = await together(
        store,
        lend('first'),
        async (tx) => {
          await lend('undone')(tx)
          await store.leases.move(tx, 'first', 'revoking', { dueAt: noon })
          note(store, tx)
          await ask(tx)
          await store.leases.move(tx, 'undone', 'revoking', { dueAt: noon })
          throw new Error('nothing of it is kept')
        },
        lend('second'),
      )
      expect(came).toEqual(['fulfilled', 'rejected', 'fulfilled'])
      const left = await store.unit.read((tx) => store.leases.find(tx, {}))
      expect(left).toEqual([
        expect.objectContaining({ id: 'first', status: 'active' }),
        expect.objectContaining({ id: 'second', status: 'active' }),
      ])
      expect(await events(store)).toEqual([])
    },
  )

  it('what the database refuses of one work is told to that one alone', async () => {
    await using store = await open()
    const taken = await store.unit.write((tx) => put(store, tx, aTask()))
    const opening = (id?: string) => async (tx: Tx) => {
      note(store, tx)
      await put(store, tx, aTask(id === undefined ? {} : { id }))
    }
    const works = [opening(), opening(taken.id), opening()]
    const came = await Promise.allSettled(works.map((work) => store.unit.write(work)))
    expect(came).toEqual([
      expect.objectContaining({ status: 'fulfilled' }),
      { status: 'rejected', reason: expect.objectContaining({ code: 'unavailable' }) as unknown },
      expect.objectContaining({ status: 'fulfilled' }),
    ])
    expect(await store.unit.read((tx) => store.tasks.countOpen(tx, { agent: taken.agent }))).toMatchObject({
      all: 3,
    })
    expect(await events(store)).toHaveLength(2)
  })

  it('two rows under one key are refused as one and one', async () => {
    await using store = await open()
    const twice = async (tx: Tx) => {
      await rowsIn(tx).insert('cursors', { name: 'one', seq: 1, mac: null })
      await rowsIn(tx).insert('cursors', { name: 'one', seq: 2, mac: null })
    }
    expect(await together(store, twice)).toEqual(['rejected'])
    expect(await store.unit.read((tx) => rowsIn(tx).one('cursors', 'name', 'one'))).toBeUndefined()
  })
})
