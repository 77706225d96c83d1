/** How many tasks an agent may have open, and how many waiting for a human. */
import { expect, test } from 'vitest'
import { infra } from '../support/approvals.ts'
import { agentFiles, subjectOf } from '../support/agents.ts'
import { type Answer, readWeb } from '../support/broker.ts'
import { manualClock } from '../support/clock.ts'
import { rows } from '../support/database.ts'
import { describedBroker } from '../support/described-broker.ts'
import { expectRefusal } from '../support/refusal.ts'
import { untilNow } from '../support/until.ts'

const clock = manualClock()
const broker = await describedBroker({
  clock,
  settings: { limits: { open_tasks: 4, pending_approvals: { agent: 2 }, approval_window: 900 } },
  files: agentFiles('other-bot'),
})

const waiting = (purpose: string) => ({ purpose, authorization_details: [infra] })

function expectLimited(answer: Answer, seconds: number): void {
  expectRefusal(answer, 429, 'limit_exceeded')
  expect(answer.headers.get('Retry-After')).toBe(String(seconds))
}

test('open tasks have their limit, and it is told when the first of them is over by itself', async () => {
  const { body: first } = await broker.open({ ttl: 300 })
  for (const ttl of [600, 500, 400]) expect((await broker.open({ ttl })).status).toBe(201)
  await clock.advance(100_000)
  const token = await broker.workload()
  const send = () =>
    broker.call('POST', '/v1/tasks', {
      token,
      body: { purpose: 'a test', authorization_details: [readWeb], ttl: 60 },
    })
  expectLimited(await send(), 200)
  const [denial] = rows(broker, 'audit_events', `type = 'request.denied' order by seq desc limit 1`)
  expect(denial).toMatchObject({ agent: 'refactor-bot' })
  expect(JSON.parse(denial!.data!)).toMatchObject({ code: 'limit_exceeded', purpose: 'a test' })
  expect((await broker.open({}, { sub: subjectOf('other-bot') })).status).toBe(201)

  await broker.complete(first)
  // The refusal has not used the token up.
  expect((await send()).status).toBe(201)
  expectLimited(await broker.open(), 60)
  await clock.advance(60_000)
  await untilNow(clock, async () => (await broker.open()).status === 201)
  await broker.revoke({ all: true })
})

test('so have those that wait for approval, among them', async () => {
  const { body: first } = await broker.open(waiting('one'))
  expect(first.status).toBe('pending_approval')
  await clock.advance(60_000)
  expect((await broker.open(waiting('two'))).status).toBe(202)
  expectLimited(await broker.open(waiting('three')), 840)
  // The same again joins, and needs no room.
  expect((await broker.open(waiting('one'))).body.id).toBe(first.id)
  expect((await broker.open()).status).toBe(201)
  expect((await broker.open()).status).toBe(201)
  expectLimited(await broker.open(), 600)
  await broker.complete(first)
  expect((await broker.open(waiting('three'))).status).toBe(202)
  await broker.revoke({ all: true })
})
