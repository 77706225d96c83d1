/** What works write is sent together, and whatever is asked of the database is asked behind it (docs/decisions/0070). */
import { DatabaseSync, StatementSync } from 'node:sqlite'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { Tx } from '../../src/base/unit.ts'
import { Batch } from '../../src/store/postgres-batch.ts'
import { PostgresFailure, Session } from '../../src/store/postgres-session.ts'
import { bound, queries, rowsIn } from '../../src/store/transaction.ts'
import { besideOn } from '../support/beside.ts'
import {
  besideDatabase,
  embeddedServer,
  type PostgresServer,
  serverTakesMs,
} from '../support/postgres-server.ts'
import { sqliteStore } from '../support/sqlite.ts'
import { aLease, aTask, noon, note, put, putLeases, type StoreSubject, events } from '../support/store.ts'
import { still } from '../support/still.ts'

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
      const { mock } = vi.spyOn(Batch.prototype, 'add')
      return () => mock.calls.map(([{ sql }]) => sql)
    },
  },
}

/** Works that share a commit, however slow the machine is: what has come of each. */
async function together(store: StoreSubject, ...works: ((tx: Tx) => Promise<unknown>)[]) {
  const stopped = vi.spyOn(performance, 'now').mockReturnValue(performance.now())
  const came = await Promise.allSettled(works.map((work) => store.unit.write(work)))
  stopped.mockRestore()
  return came.map(({ status }) => status)
}

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
    using _still = still()
    await using store = await open()
    const opened = async (tx: Tx) =>
      await store.leases.insert(tx, aLease(await put(store, tx, aTask()), {}, store.seal))
    await together(store, opened)
    const texts = sent()
    await together(store, ...Array.from({ length: 7 }, () => opened))
    const written = texts()
    for (const table of ['tasks', 'leases'])
      expect(written.filter((text) => text.startsWith(`insert into "${table}"`))).toHaveLength(1)
    expect(written.filter((text) => /savepoint/i.test(text))).toEqual([])
    vi.restoreAllMocks()
    expect(await store.unit.read((tx) => store.leases.find(tx, {}))).toHaveLength(8)
  })

  it('what works of one commit do to one row is written once', async () => {
    using _still = still()
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

  it('what the engine cannot even take is told to that work alone', async () => {
    await using store = await open()
    const opening = (tx: Tx) => put(store, tx, aTask())
    const unusable = (tx: Tx) =>
      rowsIn(tx).insert('cursors', { name: 'one', seq: Symbol('none') as never, mac: null })
    expect(await together(store, opening, unusable, opening)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  })

  it('of two rows under one key the second is refused, in one work and in two', async () => {
    await using store = await open()
    const one = (seq: number) => (tx: Tx) => rowsIn(tx).insert('cursors', { name: 'one', seq, mac: null })
    const both = async (tx: Tx) => {
      await one(3)(tx)
      await one(4)(tx)
    }
    const found = () => store.unit.read((tx) => rowsIn(tx).one('cursors', 'name', 'one'))
    expect(await together(store, both)).toEqual(['rejected'])
    expect(await found()).toBeUndefined()
    expect(await together(store, one(1), one(2))).toEqual(['fulfilled', 'rejected'])
    expect(await found()).toMatchObject({ seq: 1 })
  })

  it('a new task goes before its lease, whichever table was written first: nothing is run again', async () => {
    await using store = await open()
    const old = await store.unit.write((tx) => put(store, tx, aTask()))
    let runs = 0
    const lend = (task?: typeof old) => async (tx: Tx) => {
      runs += 1
      await store.leases.insert(tx, aLease(task ?? (await put(store, tx, aTask())), {}, store.seal))
    }
    expect(await together(store, lend(old), lend())).toEqual(['fulfilled', 'fulfilled'])
    expect(runs).toBe(2)
  })

  it('a statement that is written out is run behind what was written, and undone with its work', async () => {
    await using store = await open()
    const use = (tx: Tx) => store.usedTokens.use(tx, 'token', noon)
    const keep = (name: string) => (tx: Tx) => rowsIn(tx).insert('cursors', { name, seq: 1, mac: null })
    const clear = async (tx: Tx) => await bound(tx).statements.run('delete from cursors')
    const left = () => store.unit.read((tx) => rowsIn(tx).where('cursors', 'true', []))
    const failing = async (tx: Tx) => {
      await clear(tx)
      throw new Error('nothing of it is kept')
    }
    expect(await together(store, keep('kept'), failing, use)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(await left()).toHaveLength(1)
    await together(store, keep('gone'), clear)
    expect(await left()).toHaveLength(0)
  })

  it('counts that come to nothing are removed without a savepoint', async () => {
    await using store = await open()
    const task = await store.unit.write((tx) => put(store, tx, aTask()))
    const texts = sent()
    await store.unit.write((tx) => store.tasks.end(tx, task.id, 'completed', 'completed', noon))
    const written = texts()
    expect(written.filter((text) => text.startsWith('delete from "counts"'))).not.toEqual([])
    expect(written.filter((text) => /savepoint/i.test(text))).toEqual([])
  })
})

describe('on SQLite alone', () => {
  it('of a row that somebody has altered nothing is written but what is changed', async () => {
    await using store = await sqliteStore()
    const [lease] = await putLeases(store, {})
    await store.beside(`update leases set attempts = 9007199254740993 where id = '${lease!.id}'`)
    await store.unit.write((tx) => store.leases.move(tx, lease!.id, 'revoking', { dueAt: noon }))
    using beside = new DatabaseSync(store.path, { readOnly: true })
    const [row] = beside.prepare('select status, cast(attempts as text) as attempts from leases').all()
    expect(row).toMatchObject({ status: 'revoking', attempts: '9007199254740993' })
  })

  it('a column that somebody gives the counts stops nothing', async () => {
    await using store = await sqliteStore()
    const leases = await putLeases(
      store,
      {},
      { status: 'revoked', dueAt: null, endedAt: noon, connection: 'two' },
    )
    await store.beside('alter table counts add column more text')
    const ended = (tx: Tx) => store.leases.move(tx, leases[0]!.id, 'revoking', { dueAt: noon })
    // One count is put in, and another changed.
    const again = async (tx: Tx) =>
      await rowsIn(tx).change('leases', (await rowsIn(tx).one('leases', 'id', leases[1]!.id))!, {
        due_at: noon,
      })
    expect(await together(store, ended, again)).toEqual(['fulfilled', 'fulfilled'])
  })

  it('works of a commit that could not be finished are not run again: it may be there', async () => {
    await using store = await sqliteStore()
    const { run } = StatementSync.prototype
    let [runs, failed] = [0, false]
    vi.spyOn(StatementSync.prototype, 'run').mockImplementation(function (this: StatementSync, ...values) {
      const answer = run.apply(this, values as never)
      if (this.sourceSQL !== 'COMMIT' || failed) return answer
      failed = true
      throw Object.assign(new Error('disk I/O error'), { code: 'ERR_SQLITE_ERROR', errcode: 10 })
    })
    const work = async (tx: Tx) => {
      runs += 1
      note(store, tx)
    }
    await expect(store.unit.write(work)).rejects.toHaveProperty('code', 'unavailable')
    vi.restoreAllMocks()
    await store.unit.write(async () => undefined)
    expect(runs).toBe(1)
    expect(await events(store)).toHaveLength(1)
  })

  it('nothing is written behind a failure with which the engine has ended the transaction, whoever hides it', async () => {
    const prepared = vi.spyOn(DatabaseSync.prototype, 'prepare')
    await using store = await sqliteStore()
    const databases = new Set(prepared.mock.contexts as DatabaseSync[])
    const { run } = StatementSync.prototype
    let failed = false
    vi.spyOn(StatementSync.prototype, 'run').mockImplementation(function (this: StatementSync, ...values) {
      if (failed || !this.sourceSQL.startsWith('insert into "tasks"')) return run.apply(this, values as never)
      failed = true
      for (const each of databases) if (each.isOpen && each.isTransaction) each.exec('ROLLBACK')
      throw Object.assign(new Error('database or disk is full'), { code: 'ERR_SQLITE_ERROR', errcode: 13 })
    })
    const opening = async (tx: Tx) => {
      note(store, tx)
      await put(store, tx, aTask())
    }
    const hiding = async (tx: Tx) => {
      await opening(tx)
      await asks['by a query that is put together'](tx).catch(() => undefined)
    }
    expect(await together(store, opening, hiding, opening)).toEqual(['fulfilled', 'fulfilled', 'fulfilled'])
    vi.restoreAllMocks()
    const { agent } = aTask()
    expect(await store.unit.read((tx) => store.tasks.countOpen(tx, { agent }))).toMatchObject({ all: 3 })
    expect(await store.unit.read((tx) => store.tasks.find(tx, {}))).toHaveLength(3)
    expect(await events(store)).toHaveLength(3)
  })
})

describe('on PostgreSQL alone', () => {
  it('what was kept stays where a later work fails of its own behind one that was refused', async () => {
    await using store = await besideOn(await server.database())
    const [lease] = await putLeases(store, {})
    const taken = await store.unit.write((tx) => put(store, tx, aTask()))
    const kept = aTask()
    const came = await together(
      store,
      async (tx) => {
        note(store, tx)
        await put(store, tx, kept)
        await asks['by a query that is put together'](tx)
      },
      (tx) => put(store, tx, aTask({ id: taken.id })),
      async (tx) => {
        await rowsIn(tx).remove('leases', (await rowsIn(tx).one('leases', 'id', lease!.id))!)
        throw new Error('a refusal of its own')
      },
    )
    expect(came).toEqual(['fulfilled', 'rejected', 'rejected'])
    expect(await store.unit.read((tx) => store.tasks.get(tx, kept.id))).toBeDefined()
    expect(await events(store)).toHaveLength(1)
  })

  it('a work that was begun behind one that is refused writes once', async () => {
    const url = await server.database()
    await using store = await besideOn(url)
    const [lease] = await putLeases(store, {})
    const came = await together(
      store,
      async (tx) => {
        await rowsIn(tx).remove('leases', (await rowsIn(tx).one('leases', 'id', lease!.id))!)
        await put(store, tx, aTask({ id: lease!.task }))
      },
      (tx) => put(store, tx, aTask()),
    )
    expect(came).toEqual(['rejected', 'fulfilled'])
    expect(await besideDatabase(url, 'select id from tasks')).toHaveLength(2)
  })

  it('works whose commit was not answered are not run again', async () => {
    await using store = await besideOn(await server.database())
    await store.unit.write((tx) => put(store, tx, aTask()))
    let runs = 0
    const { commit } = Session.prototype
    vi.spyOn(Session.prototype, 'commit').mockImplementationOnce(async function (this: Session) {
      await commit.call(this)
      await this.close()
      throw new PostgresFailure(new Error('Connection terminated'))
    })
    const work = async (tx: Tx) => {
      runs += 1
      note(store, tx)
    }
    await expect(store.unit.write(work)).rejects.toHaveProperty('code', 'unavailable')
    await store.unit.write((tx) => put(store, tx, aTask()))
    expect(runs).toBe(1)
    expect(await events(store)).toHaveLength(1)
  })

  it.each([1, 2, 3])(
    'of %i commits of somebody behind a refusal that does not come again each is found',
    async (commits) => {
      const url = await server.database()
      await using store = await besideOn(url)
      const [lease] = await putLeases(store, {})
      await store.store.look()
      await store.store.lookedThrough()
      const { rollBack } = Session.prototype
      // The writer's alone: a look that follows ends with one too, which nobody waits for.
      vi.spyOn(Session.prototype, 'rollBack').mockImplementationOnce(async function (this: Session) {
        await rollBack.call(this)
        for (let n = 0; n < commits; n += 1)
          await besideDatabase(url, `update leases set attempts = ${n + 7} where id = '${lease!.id}'`)
      })
      let runs = 0
      await store.unit.write(async (tx) => {
        runs += 1
        if (runs === 1) await rowsIn(tx).insert('cursors', { name: 'one', seq: null as never, mac: null })
      })
      vi.restoreAllMocks()
      expect(runs).toBe(2)
      await store.unit.write((tx) => store.usedTokens.use(tx, 'token', noon))
      await store.store.look()
      await store.store.lookedThrough()
      expect(store.store.intrusion.damaged).toHaveLength(1)
    },
  )
})
