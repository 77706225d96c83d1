/** How a broker connects to a PostgreSQL server: TLS, how many at once, and how long an answer is waited for. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { openPostgres, openPostgresReadOnly } from '../../src/store/postgres.ts'
import { isPostgresFailure, Session } from '../../src/store/postgres-session.ts'
import { selfSigned } from '../support/certificate.ts'
import {
  besideDatabase,
  embeddedServer,
  type PostgresServer,
  serverTakesMs,
} from '../support/postgres-server.ts'
import { aTask, put, testSeal } from '../support/store.ts'
import { tasks } from '../../src/store/tasks.ts'

const certificate = selfSigned()
const sockets = mkdtempSync(join(tmpdir(), 'mayfly-sockets-'))
let server: PostgresServer
beforeAll(async () => {
  // The server's user makes its socket there.
  chmodSync(sockets, 0o777)
  server = await embeddedServer({ unix_socket_directories: sockets }, certificate)
}, serverTakesMs)
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  rmSync(sockets, { recursive: true })
}, serverTakesMs)
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

const sessions = `select ssl, count(*)::int as n from pg_stat_activity join pg_stat_ssl using (pid)
  where application_name = 'mayfly' and datname = current_database() group by ssl`
const open = (url: string, ca?: string) => openPostgres({ url, ...(ca !== undefined && { ca }) }, testSeal())

describe('with a `ca` of its own', () => {
  it('every connection is over TLS, to a server whose certificate that one has signed', async () => {
    const url = await server.database()
    const store = await open(url, certificate.cert)
    await store.unit.read((tx) => tasks.get(tx, 'task_none'))
    await store.lookedThrough()
    const found = await besideDatabase(url, sessions)
    expect(found).toEqual([{ ssl: true, n: 3 }])
    const reading = await openPostgresReadOnly({ url, ca: certificate.cert }, testSeal())
    await reading.close()
    await store.close()
  })

  it.each(['sslmode=disable', 'ssl=0', 'uselibpqcompat=true&sslmode=prefer', 'sslrootcert='])(
    'whatever the address says: %s',
    async (parameters) => {
      const url = await server.database()
      const store = await open(`${url}?${parameters}`, certificate.cert)
      expect((await besideDatabase(url, sessions)).map(({ ssl }) => ssl)).toEqual([true])
      await store.close()
      await expect(open(`${url}?${parameters}`, selfSigned().cert)).rejects.toThrow('self-signed certificate')
    },
  )

  it('a server with a certificate of another is refused, and so is one with another name', async () => {
    const url = await server.database()
    await expect(open(url, selfSigned().cert)).rejects.toThrow('self-signed certificate')
    const elsewhere = url.replace('127.0.0.1', 'localhost')
    await expect(open(elsewhere, certificate.cert)).rejects.toThrow("does not match certificate's altnames")
  })
})

it('without one, a server on this machine is spoken to in the clear, and by `sslmode` only where it can be trusted', async () => {
  const url = await server.database()
  const store = await open(url)
  expect((await besideDatabase(url, sessions)).map(({ ssl }) => ssl)).toEqual([false])
  await store.close()
  for (const mode of ['require', 'prefer', 'verify-ca', 'verify-full', 'no-verify'])
    await expect(open(`${url}?sslmode=${mode}`)).rejects.toThrow('self-signed certificate')
})

describe('whether a server is on this machine is told by the host that is connected to', () => {
  /** An address of this machine that is not known for one. */
  const elsewhere = '0.0.0.0'
  const leading = async (to: (login: string, at: { port: string; name: string }) => string) => {
    const { port, pathname } = new URL(await server.database())
    return to('user=mayfly&password=example', { port, name: pathname.slice(1) })
  }

  it.each([
    ['by the last `host`', (parameters: string) => `${parameters}&host=127.0.0.1&host=${elsewhere}`],
    ['by `PGHOST`', (parameters: string) => parameters],
    ['by `PGHOST`, behind an empty `host`', (parameters: string) => `${parameters}&host=`],
    [
      'with the last `sslmode`',
      (parameters: string) => `${parameters}&sslmode=disable&sslmode=verify-full&host=${elsewhere}`,
    ],
  ])('a server elsewhere, %s, is asked for TLS', async (_how, add) => {
    vi.stubEnv('PGHOST', elsewhere)
    const url = await leading(
      (login, { port, name }) => `postgres:///${name}?${add(`${login}&port=${port}`)}`,
    )
    await expect(open(url)).rejects.toThrow('self-signed certificate')
  })

  it.each([
    ['as `host`', (socket: string) => ['', `&host=${socket}`]],
    ['in place of the host', (socket: string) => [encodeURIComponent(socket), '']],
  ])('a socket, %s, is not', async (_how, put) => {
    const [host, parameter] = put(sockets)
    const url = await leading(
      (login, { port, name }) => `postgres://${host}/${name}?${login}&port=${port}${parameter}`,
    )
    const store = await open(url)
    expect((await besideDatabase(url, sessions)).map(({ ssl }) => ssl)).toEqual([false])
    await store.close()
  })
})

it.each([
  [4, 1],
  [6, 3],
])('of a `pool` of %i there are never more connections, %i of which read', async (size, readers) => {
  const url = await server.database()
  const store = await openPostgres({ url, pool: size }, testSeal())
  const task = aTask()
  const subject = { ...store, tasks }
  await store.unit.write((tx) => put(subject as never, tx, task))
  let [reading, most] = [0, 0]
  const read = () =>
    store.unit.read(async (tx) => {
      most = Math.max(most, (reading += 1))
      await tasks.get(tx, task.id)
      const [{ n }] = (await besideDatabase(url, sessions)) as [{ n: number }]
      reading -= 1
      return n
    })
  const counts = await Promise.all(Array.from({ length: 12 }, read))
  expect(most).toBe(readers)
  expect(Math.max(...counts)).toBeLessThanOrEqual(size)
  await store.close()
  expect(await besideDatabase(url, sessions)).toEqual([])
})

it('a server that does not answer in time is given up, and the connection closed', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const session = await Session.open({ url: await server.database() })
  await vi.advanceTimersByTimeAsync(14_000)
  const [first, second] = [session.script('select pg_sleep(1)'), session.script('select 1')]
  const refused = Promise.all(
    [first, second].map((each) => expect(each).rejects.toSatisfy(isPostgresFailure)),
  )
  await vi.advanceTimersByTimeAsync(14_000)
  expect(session.isBroken).toBe(false)
  await vi.advanceTimersByTimeAsync(1_000)
  await refused
  expect(session.isBroken).toBe(true)
  await session.close()
})

it('however much more it is asked meanwhile', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const session = await Session.open({ url: await server.database() })
  const ask = (sql: string) => session.script(sql).catch((error: unknown) => error)
  const asked = [ask('select pg_sleep(1)')]
  for (let second = 0; second < 15; second += 1) {
    expect(session.isBroken).toBe(false)
    asked.push(ask('select 1'))
    await vi.advanceTimersByTimeAsync(1_000)
  }
  expect(session.isBroken).toBe(true)
  for (const answer of await Promise.all(asked)) expect(answer).toSatisfy(isPostgresFailure)
  await session.close()
})

it('a connection on which the server takes no writes is given up: another may be one that does', async () => {
  const session = await Session.open({ url: await server.database() })
  await session.script('set default_transaction_read_only = on')
  await expect(session.script('create table one ()')).rejects.toSatisfy(isPostgresFailure)
  expect(session.isBroken).toBe(true)
  await session.close()
})
