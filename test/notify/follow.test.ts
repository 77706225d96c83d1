/** Following the record: where it goes on, and what it believes. */
import { expect, onTestFinished, test } from 'vitest'
import type { ChainedEvent } from '../../src/audit/event.ts'
import { createExclusive } from '../../src/base/exclusive.ts'
import type { Log } from '../../src/base/log.ts'
import { Follower, type Handed, type Listener } from '../../src/notify/follow.ts'
import { cursors } from '../../src/store/cursors.ts'
import { retention } from '../../src/store/retention.ts'
import { prune } from '../../src/tasks/retention.ts'
import { manualClock } from '../support/clock.ts'
import { type SqliteSubject, sqliteStore } from '../support/sqlite.ts'
import { noon } from '../support/store.ts'
import { until, untilNow } from '../support/until.ts'

const silent: Log = { info: () => undefined, warn: () => undefined, error: () => undefined }
const week = 7 * 24 * 3600 * 1000

async function setUp() {
  const store = await sqliteStore()
  onTestFinished(() => store[Symbol.asyncDispose]())
  const clock = manualClock(noon)
  const errors: object[] = []
  const log: Log = {
    info: () => undefined,
    warn: () => undefined,
    error: (facts, message) => void errors.push({ ...facts, message }),
  }
  const context = { ...store, cursors, clock, log, exclusive: createExclusive() }
  const heard: string[] = []
  let answer: () => Promise<Handed> = () => Promise.resolve({ done: true })
  const listener: Listener<string> = {
    select: (_, { type, data }: ChainedEvent) =>
      Promise.resolve(type === 'agent.suspended' ? String(data?.['n']) : undefined),
    async hand(item) {
      const handed = await answer()
      if (handed.done) heard.push(item)
      return handed
    },
  }
  const record = (
    n: number,
    at = clock.now(),
    type: 'agent.suspended' | 'broker.started' = 'agent.suspended',
  ) =>
    store.unit.write(async (tx) =>
      store.audit.record(tx, { at, type, actor: 'broker', agent: 'a', data: { n } }),
    )
  const start = () => {
    const follower = new Follower(context, 'notify chat', listener)
    onTestFinished(() => follower.stop())
    follower.wake()
    return follower
  }
  const placed = () => until(async () => (await place(store)) !== undefined)
  return {
    store,
    clock,
    errors,
    heard,
    record,
    start,
    placed,
    answering: (with_: typeof answer) => (answer = with_),
  }
}

const place = (store: SqliteSubject) => store.unit.read((tx) => cursors.get(tx, 'notify chat'))

test('who is new hears of what comes from now on', async () => {
  const { heard, record, start, placed } = await setUp()
  await record(1)
  const follower = start()
  await placed()
  await record(2)
  follower.wake()
  await until(() => heard.length > 0)
  expect(heard).toEqual(['2'])
})

test('what fails is tried again, later and later, and what comes after it waits', async () => {
  const { clock, heard, record, start, placed, answering } = await setUp()
  const follower = start()
  await placed()
  let attempts = 0
  answering(() =>
    Promise.resolve(++attempts < 4 ? { done: false, reason: 'it answered 500' } : { done: true }),
  )
  await record(1)
  await record(2)
  follower.wake()
  await until(() => attempts === 1)
  expect(follower.oldest).toBe(noon)
  for (const after of [500, 1_000, 2_000]) await clock.advance(after)
  await untilNow(clock, () => heard.length === 2)
  expect(heard).toEqual(['1', '2'])
  await until(() => follower.oldest === undefined)
})

test('of two brokers on one store one hands on at a time, and neither what the other has', async () => {
  const { heard, record, start, placed, answering } = await setUp()
  const both = [start(), start()]
  await placed()
  let under = 0
  answering(async () => {
    under += 1
    await new Promise((resolve) => setImmediate(resolve))
    expect(under).toBe(1)
    under -= 1
    return { done: true }
  })
  for (let n = 1; n <= 20; n += 1) {
    await record(n)
    both[n % 2]!.wake()
    if (n % 5 === 0) both[0]!.wake()
  }
  await until(() => heard.length >= 20)
  expect(heard).toEqual(Array.from({ length: 20 }, (_, at) => String(at + 1)))
})

test('a Retry-After is waited for', async () => {
  const { clock, heard, record, start, placed, answering } = await setUp()
  const follower = start()
  await placed()
  let attempts = 0
  answering(() =>
    Promise.resolve(++attempts < 2 ? { done: false, reason: 'no', retryAfter: 30 } : { done: true }),
  )
  await record(1)
  follower.wake()
  await until(() => attempts === 1)
  await clock.advance(29_000)
  expect(attempts).toBe(1)
  await clock.advance(2_000)
  await until(() => heard.length === 1)
})

test('where somebody sets it forward, they are found out, and a week of the record is followed again', async () => {
  const { store, clock, errors, heard, record, start, placed, answering } = await setUp()
  await record(1, noon - week - 1)
  await record(2, noon - week + 1)
  const first = start()
  await placed()
  answering(() => Promise.resolve({ done: false, reason: 'down' }))
  await record(3)
  first.wake()
  await until(() => first.oldest !== undefined)
  await first.stop()
  await store.beside(`update cursors set seq = 3, mac = (select mac from audit_events where seq = 3)`)
  await record(4)
  answering(() => Promise.resolve({ done: true }))
  start()
  await untilNow(clock, () => heard.length === 3)
  expect(heard).toEqual(['2', '3', '4'])
  expect(errors).toMatchObject([
    { cursor: 'notify chat', message: expect.stringContaining('has altered how far') },
  ])
  expect(await place(store)).not.toHaveProperty('damaged')
})

test.each([
  ['set back', 'update cursors set seq = 1, mac = (select mac from audit_events where seq = 1)'],
  ['removed', 'delete from cursors'],
])('a place that was %s is no secret of whoever did it', async (_, sql) => {
  const { store, record, start, placed } = await setUp()
  await record(1)
  await record(2)
  await start().stop()
  await placed()
  await store.beside(sql)
  await record(3)
  await until(() => store.intrusion().doubts.length + store.intrusion().damaged.length > 0)
})

test.each([
  ['altered', "update audit_events set type = 'broker.started' where seq = 2", 2],
  ['forged', `update audit_events set data = '{"n":666}' where seq = 2`, 2],
  ['named after a method', "update audit_events set type = 'constructor' where seq = 2", 2],
  ['taken out', 'delete from audit_events where seq = 2', 3],
])('an event that was %s is not told of, but is missed; the next is told', async (_, sql, seq) => {
  const { store, errors, heard, record, start, placed, answering } = await setUp()
  await record(1)
  const follower = start()
  await placed()
  await follower.stop()
  for (const n of [2, 3, 4]) await record(n)
  await store.beside(sql)
  answering(() => Promise.resolve({ done: true }))
  start()
  await until(() => heard.includes('4'))
  expect(heard).not.toContain('666')
  expect(heard).not.toContain('2')
  expect(errors).toContainEqual({
    cursor: 'notify chat',
    seq,
    message: expect.stringContaining('the record is not as it was written'),
  })
})

test('what was pruned before it could be handed on is said; what was looked at before is not', async () => {
  const { store, clock, errors, heard, record, start, placed, answering } = await setUp()
  const first = start()
  await placed()
  await record(0, noon, 'broker.started')
  first.wake()
  await until(async () => ((await place(store)) as { seq: number }).seq === 1)
  await first.stop()
  const letGo = () => prune({ ...store, clock, log: silent }, retention, { tasks: 1, audit: 1 })
  await clock.advance(1_000)
  await letGo()
  const second = start()
  answering(() => Promise.resolve({ done: false, reason: 'down' }))
  await record(1)
  second.wake()
  await until(() => second.oldest !== undefined)
  expect(errors).toEqual([])
  await second.stop()
  await record(2)
  await clock.advance(1_000)
  await letGo()
  answering(() => Promise.resolve({ done: true }))
  await record(3)
  start()
  await untilNow(clock, () => heard.includes('3'))
  expect(heard).not.toContain('1')
  expect(errors).toMatchObject([
    { message: expect.stringContaining('pruned before they could be handed on') },
  ])
})

test('thousands of events that concern nobody cost a note of the place each thousand', async () => {
  const { store, start, record, placed } = await setUp()
  const follower = start()
  await placed()
  await store.unit.write(async (tx) => {
    for (let n = 0; n < 1_500; n += 1)
      store.audit.record(tx, { at: noon, type: 'broker.started', actor: 'broker' })
  })
  const { commits } = (await store.unit.read((tx) => store.audit.head(tx)))!
  follower.wake()
  await until(async () => ((await place(store)) as { seq: number }).seq === 1_000)
  await record(1, noon, 'broker.started')
  expect((await store.unit.read((tx) => store.audit.head(tx)))!.commits).toBe(commits + 2)
})
