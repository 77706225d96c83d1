/** Statements that go to a PostgreSQL server together, with one point of synchronization behind them (docs/decisions/0072). */
import { Socket } from 'node:net'
import pg from 'pg'
import { serialize } from 'pg-protocol'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { isPostgresFailure, Session } from '../../src/store/postgres-session.ts'
import { besideOn } from '../support/beside.ts'
import {
  besideDatabase,
  embeddedServer,
  type PostgresServer,
  serverTakesMs,
} from '../support/postgres-server.ts'
import { note } from '../support/store.ts'

let server: PostgresServer
beforeAll(async () => void (server = await embeddedServer()), serverTakesMs)
afterAll(() => server[Symbol.asyncDispose](), serverTakesMs)
afterEach(() => vi.restoreAllMocks())

const put = 'insert into t values ($1)'
const held = 'select n from t order by n'
const refusedAt = 'select 1 / $1::int as n'

async function opened() {
  const url = await server.database()
  await besideDatabase(url, 'create table t (n int)')
  const session = await Session.open({ url })
  const numbers = async () => (await besideDatabase(url, held)).map(({ n }) => Number(n))
  return { session, url, numbers, [Symbol.asyncDispose]: () => session.close() }
}

const outcomes = async (...asked: Promise<unknown>[]) =>
  (await Promise.allSettled(asked)).map(({ status }) => status)

describe('statements that are sent together', () => {
  it('go in one write, and are synchronized once', async () => {
    await using at = await opened()
    const asked = () => Promise.all([1, 2, 3].map((n) => at.session.all('select $1::int as n', [n])))
    await asked()
    const [written, synchronized] = [vi.spyOn(Socket.prototype, 'write'), vi.spyOn(serialize, 'sync')]
    expect(await asked()).toEqual([[{ n: 1 }], [{ n: 2 }], [{ n: 3 }]])
    expect(written).toHaveBeenCalledOnce()
    expect(synchronized).toHaveBeenCalledOnce()
  })

  it('are synchronized in between where they are long', async () => {
    await using at = await opened()
    const text = 'x'.repeat(20_000)
    const asked = () =>
      Promise.all([1, 2, 3, 4, 5].map((n) => at.session.all('select $1::int as n, $2 as text', [n, text])))
    await asked()
    const synchronized = vi.spyOn(serialize, 'sync')
    expect(await asked()).toEqual([1, 2, 3, 4, 5].map((n) => [{ n, text }]))
    expect(synchronized).toHaveBeenCalledTimes(2)
  })

  it('are run in their order, with the scripts among them', async () => {
    await using at = await opened()
    const { session } = at
    const answers = await Promise.all([
      session.all(`${put} returning n`, [1]),
      session.script('insert into t values (2), (3); update t set n = n * 10; select n from t order by n'),
      session.all(`${put} returning n`, [4]),
      session.all(held, []),
    ])
    expect(answers).toEqual([
      [{ n: 1 }],
      [10, 20, 30].map((n) => ({ n })),
      [{ n: 4 }],
      [4, 10, 20, 30].map((n) => ({ n })),
    ])
  })
})

describe('behind a statement that is refused', () => {
  it('none is run of those that were sent with it, the commit among them', async () => {
    await using at = await opened()
    const { session } = at
    session.send('begin')
    const sent = outcomes(
      session.all(put, [1]),
      session.all(refusedAt, [0]),
      session.all(put, [2]),
      session.commit(),
    )
    expect(await sent).toEqual(['fulfilled', 'rejected', 'rejected', 'rejected'])
    await session.rollBack()
    expect(session.isBroken).toBe(false)
    expect(await at.numbers()).toEqual([])
  })

  it('a commit that goes by itself is told apart from one that keeps something', async () => {
    await using at = await opened()
    const { session } = at
    session.send('begin')
    expect(await outcomes(session.all(put, [1]), session.all(refusedAt, [0]))).toEqual([
      'fulfilled',
      'rejected',
    ])
    await expect(session.commit()).rejects.toSatisfy(isPostgresFailure)
    expect(await at.numbers()).toEqual([])
  })

  it('a rollback is run all the same, and what follows it', async () => {
    await using at = await opened()
    const { session } = at
    session.send('begin')
    const refused = session.all(refusedAt, [0])
    const undone = session.rollBack()
    const next = session.all(held, [])
    await expect(refused).rejects.toSatisfy(isPostgresFailure)
    await undone
    expect(await next).toEqual([])
    expect(session.isBroken).toBe(false)
    expect(await outcomes(session.all(put, [1]))).toEqual(['fulfilled'])
    expect(await at.numbers()).toEqual([1])
  })

  it('what goes alone is run all the same', async () => {
    await using at = await opened()
    const { session } = at
    const sent = outcomes(
      session.all(refusedAt, [0]),
      session.inOwnBatch(put, [1]),
      session.all(refusedAt, [0]),
      session.inOwnBatch(put, [2]),
    )
    expect(await sent).toEqual(['rejected', 'fulfilled', 'rejected', 'fulfilled'])
    expect(await at.numbers()).toEqual([1, 2])
  })

  it('those that the server has not come to can be prepared later, and those that it had are not prepared twice', async () => {
    await using at = await opened()
    const { session } = at
    const [before, after] = ['select $1::int as before', 'select $1::int as after']
    const asked = (divisor: number) => [
      session.all(before, [1]),
      session.all(refusedAt, [divisor]),
      session.all(after, [2]),
    ]
    expect(await outcomes(...asked(0))).toEqual(['fulfilled', 'rejected', 'rejected'])
    const prepared = vi.spyOn(serialize, 'parse')
    expect(await Promise.all(asked(1))).toEqual([[{ before: 1 }], [{ n: 1 }], [{ after: 2 }]])
    expect(prepared.mock.calls.map(([{ text }]) => text)).toEqual([after])
    prepared.mockClear()
    expect(await outcomes(...asked(1))).toEqual(['fulfilled', 'fulfilled', 'fulfilled'])
    expect(prepared).not.toHaveBeenCalled()
  })
})

it('a connection that is lost refuses all that was under way on it, and whatever is asked later', async () => {
  await using at = await opened()
  const { session } = at
  const [{ pid }] = (await session.all('select pg_backend_pid() as pid', [])) as [{ pid: number }]
  const waiting = outcomes(session.all('select pg_sleep(60)', []), session.all(put, [1]))
  await besideDatabase(at.url, `select pg_terminate_backend(${pid})`)
  expect(await waiting).toEqual(['rejected', 'rejected'])
  expect(session.isBroken).toBe(true)
  await expect(session.all(held, [])).rejects.toSatisfy(isPostgresFailure)
  await expect(session.script('select 1')).rejects.toSatisfy(isPostgresFailure)
  expect(await at.numbers()).toEqual([])
})

it('what the driver would give up by a timer of its own stays open', async () => {
  const url = `${await server.database()}?query_timeout=1`
  const session = await Session.open({ url })
  expect(await session.all('select pg_sleep(0.05)::text as slept', [])).toEqual([{ slept: '' }])
  expect(await session.all('select 1 as n', [])).toEqual([{ n: 1 }])
  expect(session.isBroken).toBe(false)
  await session.close()
})

it('a row that cannot be read is told to who asked for it, and disturbs no other', async () => {
  await using at = await opened()
  const parsers = vi.spyOn(pg.types, 'getTypeParser').mockReturnValueOnce((() => {
    throw new Error('unreadable')
  }) as never)
  const sent = outcomes(at.session.all('select 1.5::numeric as n', []), at.session.all(put, [1]))
  expect(await sent).toEqual(['rejected', 'fulfilled'])
  expect(parsers).toHaveBeenCalled()
  expect(await at.numbers()).toEqual([1])
})

it('what was submitted is answered, however long what was asked behind it takes', async () => {
  await using at = await opened()
  const lock = 7
  const holder = await Session.open({ url: at.url })
  await holder.script(`select pg_advisory_lock(${lock})`)
  const first = at.session.all('select 1 as n', [])
  at.session.submit()
  let isOver = false
  const second = at.session.all(`select pg_advisory_lock(${lock})::text`, []).then(() => (isOver = true))
  expect(await first).toEqual([{ n: 1 }])
  expect(isOver).toBe(false)
  await holder.script(`select pg_advisory_unlock(${lock})`)
  await second
  await holder.close()
})

it('the wait for a turn is answered by itself: what is asked behind it has its own time', async () => {
  await using store = await besideOn(await server.database())
  const synchronized = vi.spyOn(serialize, 'sync')
  await store.unit.write(async (tx) => note(store, tx))
  // The turn, what it finds, and what is written.
  expect(synchronized).toHaveBeenCalledTimes(3)
})

it('a cursor takes no place among the prepared statements, of which there are so many and no more', async () => {
  await using at = await opened()
  await at.session.all(put, [1])
  const each = async () => {
    for await (const rows of at.session.connection.statements.each('select n from t'))
      expect(rows).toEqual([{ n: 1 }])
  }
  at.session.send('begin')
  const prepared = async () =>
    Number((await at.session.script('select count(*) as n from pg_prepared_statements'))[0]!['n'])
  await each()
  const before = await prepared()
  for (let n = 0; n < 5; n += 1) await each()
  expect(await prepared()).toBe(before)
})

it('what no statement can hold is refused before it is sent, and disturbs no other', async () => {
  await using at = await opened()
  const { session } = at
  const sent = outcomes(
    session.all(put, [1]),
    session.all(put, [Symbol('none')]),
    session.all(put, [{ n: 1 }]),
    session.all(put, [2]),
  )
  expect(await sent).toEqual(['fulfilled', 'rejected', 'rejected', 'fulfilled'])
  expect(session.isBroken).toBe(false)
  expect(await at.numbers()).toEqual([1, 2])
})

it('values come back as they were given, as far as a column holds them', async () => {
  await using at = await opened()
  const sql = 'select $1::text as a, $2::bigint as b, $3::boolean as c, $4::bytea as d, $5::text as e'
  const asked = (...values: unknown[]) => at.session.all(sql, values)
  const bytes = Buffer.from([0, 255])
  expect(await asked('it’s', 7, true, bytes, null)).toEqual([{ a: 'it’s', b: 7, c: true, d: bytes, e: null }])
  expect(await asked('a\0b', Infinity, false, undefined, 12n)).toEqual([
    { a: 'a\uFFFDb', b: 2 ** 63, c: false, d: null, e: '12' },
  ])
  expect(await asked('', -Infinity, null, null, '')).toEqual([
    { a: '', b: -(2 ** 63), c: null, d: null, e: '' },
  ])
  expect(await asked('', NaN, null, null, '')).toEqual([{ a: '', b: null, c: null, d: null, e: '' }])
})

it('a prepared statement is described once, and answered alike from then on', async () => {
  await using at = await opened()
  await besideDatabase(
    at.url,
    `create table u (id text, n bigint, m int, b boolean); insert into u values ('a', 7, null, true), ('b', null, 3, null)`,
  )
  const asked = () =>
    Promise.all(['a', 'b', 'c'].map((id) => at.session.all('select * from u where id = $1', [id])))
  const rows = [[{ id: 'a', n: 7, m: null, b: true }], [{ id: 'b', n: null, m: 3, b: null }], []]
  expect(await asked()).toEqual(rows)
  const described = vi.spyOn(serialize, 'describe')
  expect(await asked()).toEqual(rows)
  expect(described).not.toHaveBeenCalled()
  await besideDatabase(at.url, 'alter table u add column more text')
  await expect(asked()).rejects.toSatisfy(isPostgresFailure)
})
