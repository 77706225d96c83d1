/** Locks that brokers hold for what only one of them is to do at a time: what is refused takes nothing else with it. */
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { Line } from '../../src/store/postgres-line.ts'
import { Session } from '../../src/store/postgres-session.ts'
import { embeddedServer, type PostgresServer, serverTakesMs } from '../support/postgres-server.ts'

let server: PostgresServer
beforeAll(async () => void (server = await embeddedServer()), serverTakesMs)
afterAll(() => server[Symbol.asyncDispose](), serverTakesMs)
afterEach(() => vi.restoreAllMocks())

/** The lines of two brokers on one database. */
async function two() {
  const url = await server.database()
  const [one, other] = [1, 2].map(() => new Line({ url, schema: 'public' }, () => undefined)) as [Line, Line]
  for (const line of [one, other]) await line.keep()
  return {
    one,
    other,
    async [Symbol.asyncDispose]() {
      await Promise.all([one.close(), other.close()])
    },
  }
}

/** Has the server refuse the next question that begins like that. */
function refuseNext(begins: string) {
  const all = Session.prototype.all
  let isDone = false
  vi.spyOn(Session.prototype, 'all').mockImplementation(function (this: Session, sql, values) {
    if (isDone || !sql.startsWith(begins)) return all.call(this, sql, values)
    isDone = true
    return all.call(this, sql.replace(' as ', ', 1 / 0 as '), values)
  })
}

it('a lock that another has is not passed by where another lock is refused', async () => {
  await using lines = await two()
  const held = Promise.withResolvers<void>()
  let isHeld = false
  const holding = lines.other.exclusive('held', async () => {
    isHeld = true
    await held.promise
    isHeld = false
  })
  await vi.waitUntil(() => isHeld)
  refuseNext('select pg_try_advisory_lock')
  const refused = lines.one.exclusive('refused', async () => 'done without it')
  const waiting = lines.one.exclusive('held', async () => isHeld)
  expect(await refused).toBe('done without it')
  held.resolve()
  await holding
  expect(await waiting).toBe(false)
})

it('a lock that cannot be given back goes with its line: another has it then', async () => {
  await using lines = await two()
  refuseNext('select pg_advisory_unlock')
  await expect(lines.one.exclusive('work', async () => 'done')).rejects.toHaveProperty('code', 'unavailable')
  expect(await lines.other.exclusive('work', async () => 'had')).toBe('had')
  expect(await lines.one.exclusive('work', async () => 'again')).toBe('again')
})
