/** A fence raised while a task is open: what waits is not let in by a yes, and a reload ends what is fenced. */
import { expect, onTestFinished, test } from 'vitest'
import { answer, ask, human, legal, needing } from '../support/approvals.ts'
import { type Answer, startTestBroker, type TestBroker } from '../support/broker.ts'

async function start(): Promise<TestBroker> {
  const broker = await startTestBroker(needing('legal'))
  onTestFinished(() => broker[Symbol.asyncDispose]())
  return broker
}

const raise = async (broker: TestBroker, selector: unknown) =>
  broker.call('POST', '/v1/admin/fences', {
    token: await human(broker),
    body: { selector, reason: 'a test' },
  })

test.each([
  ['agent_suspended', () => ({ agent: 'refactor-bot' })],
  ['revoked', (task: Answer['body']) => ({ session: task.id })],
  ['revoked', () => ({ provider: 'github/acme' })],
])('approved behind a fence, a task ends (%s)', async (reason, selector) => {
  const broker = await start()
  const task = await ask(broker)
  await raise(broker, selector(task))
  const { body } = await answer(broker, 'approve', task.approvals[0], { claims: legal })
  expect(body).toMatchObject({ status: 'revoked', end_reason: reason })
})

test.each([
  ['agent_suspended', () => ({ agent: 'refactor-bot' })],
  ['revoked', (task: Answer['body']) => ({ session: task.id })],
  ['revoked', () => ({ owner: 'linus@acme.dev' })],
  [null, () => ({ provider: 'github' })],
])('held against the fences at a reload (%s)', async (reason, selector) => {
  const broker = await start()
  const { body: task } = await broker.open()
  const { body: minted } = await broker.mint(task)
  await raise(broker, selector(task))
  expect((await broker.read(task)).body.status).toBe('active')
  await broker.call('POST', '/v1/admin/reload', { token: await human(broker) })
  expect((await broker.read(task)).body.end_reason).toBe(reason)
  expect(await broker.use(minted.credential.token)).toBe(reason === null ? 200 : 401)
})
