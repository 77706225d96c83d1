/** How often one may ask, by agent and by address, and what counts as a failure. */
import { expect, test } from 'vitest'
import { exchange } from '../support/oauth-form.ts'
import { describedBroker } from '../support/described-broker.ts'
import { agentFiles, subjectOf } from '../support/agents.ts'
import type { Answer } from '../support/broker.ts'
import { manualClock } from '../support/clock.ts'
import { expectRefusal } from '../support/refusal.ts'

const clock = manualClock()
const names = ['a-bot', 'b-bot', 'c-bot']
const broker = await describedBroker({
  clock,
  settings: {
    limits: { requests_per_minute: { agent: 4, address: 60 }, failures_per_minute: { address: 5 } },
  },
  files: Object.assign({}, ...names.map((name) => agentFiles(name))),
})
const as = (name: string) => ({ sub: subjectOf(name) })
const statuses = (answers: Answer[]) => answers.map(({ status }) => status)

async function times(count: number, call: () => Promise<Answer>): Promise<Answer[]> {
  const answers = []
  for (let done = 0; done < count; done += 1) answers.push(await call())
  return answers
}

/** Refused, with a time within the minute that the limit is of. */
function expectLimited(answer: Answer): void {
  expectRefusal(answer, 429, 'limit_exceeded')
  expect(answer.headers.get('Retry-After')).toMatch(/^[1-9]\d?$/)
  expect(Number(answer.headers.get('Retry-After'))).toBeLessThanOrEqual(60)
}

test("an agent's limit counts opens, exchanges and whatever its tasks do, and nobody else's", async () => {
  const { body: task } = await broker.open({}, as('a-bot'))
  expect((await broker.mint(task)).status).toBe(201)
  expect((await broker.read(task)).status).toBe(200)
  const subject_token = await broker.workload(as('a-bot'))
  expect((await exchange(broker, { subject_token })).status).toBe(200)
  expectLimited(await broker.open({}, as('a-bot')))
  expectLimited(await broker.mint(task))
  expect((await exchange(broker, { subject_token: await broker.workload(as('a-bot')) })).body).toMatchObject({
    error: 'temporarily_unavailable',
  })
  expect((await broker.open({}, as('b-bot'))).status).toBe(201)
})

test('a dry run counts too: it costs as much', async () => {
  const answers = await times(4, () => broker.open({ dry_run: true }, as('c-bot')))
  expect(statuses(answers)).toEqual([200, 200, 200, 200])
  expectLimited(await broker.open({}, as('c-bot')))
})

test('a limited agent does not stop an admin', async () => {
  expect((await broker.revoke({ agent: 'a-bot' })).body).toMatchObject({ matched: 2, revoked: 2 })
})

test('those who cannot say who they are are refused after a few, and they alone', async () => {
  const { body: task } = await broker.open({}, as('b-bot'))
  const guesses = await times(3, () => broker.call('GET', `/v1/tasks/${task.id}`, { token: 'guess' }))
  expect(statuses(guesses)).toEqual([401, 401, 401])
  const strangers = [
    await broker.open({}, as('nobody')),
    await broker.call('GET', '/v1/admin/leases', { token: await broker.workload(as('nobody')) }),
  ]
  expect(strangers.map(({ body }) => body.code)).toEqual(['unknown_agent', 'forbidden'])
  expectLimited(await broker.call('GET', `/v1/tasks/${task.id}`, { token: 'guess' }))
  expectLimited(await broker.open({}, as('nobody')))
  expect((await broker.read(task)).status).toBe(200)
})

test('whoever looks after the broker is not kept out', async () => {
  for (const path of ['/healthz', '/readyz', '/metrics'])
    expect((await broker.call('GET', path)).status).toBe(200)
})
