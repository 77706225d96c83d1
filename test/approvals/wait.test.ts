/** A task that waits can be waited for: `GET /v1/tasks/{id}?wait=SECONDS`, `mayfly task wait`. */
import { expect, test } from 'vitest'
import { answer, ask, needing } from '../support/approvals.ts'
import type { Answer } from '../support/broker.ts'
import { mayfly } from '../support/mayfly.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { until } from '../support/until.ts'

const broker = await sharedBroker(needing('security'))

const wait = (task: Answer['body'], seconds: number | string = 30) =>
  broker.call('GET', `/v1/tasks/${task.id}?wait=${seconds}`, { token: task.task_token })
/** Lets what was sent before this arrive. */
const arrived = (task: Answer['body']) => broker.read(task)
const commandFor = (task: Answer['body'], ...args: string[]) =>
  mayfly(['task', 'wait', ...args], {
    MAYFLY_URL: broker.url,
    MAYFLY_TASK: task.id,
    MAYFLY_TASK_TOKEN: task.task_token,
  })

test.each([
  ['approve', 'active'],
  ['deny', 'denied'],
] as const)('%s: who waits is answered with it at once', async (how, status) => {
  const task = await ask(broker)
  let answered = false
  const waiting = wait(task).finally(() => (answered = true))
  await arrived(task)
  expect(answered).toBe(false)
  const decided = Date.now()
  await answer(broker, how, task.approvals[0])
  expect((await waiting).body).toMatchObject({ id: task.id, status })
  expect(Date.now() - decided).toBeLessThan(20_000)
})

test('a task that waits for nobody is answered at once', async () => {
  const { body: task } = await broker.open()
  expect((await wait(task)).body.status).toBe('active')
  await broker.complete(task)
  expect((await wait(task)).body.status).toBe('completed')
})

test('what is decided about another task wakes nobody', async () => {
  const [task, other] = [await ask(broker), await ask(broker)]
  let answered = false
  const waiting = wait(task).finally(() => (answered = true))
  await arrived(task)
  await answer(broker, 'approve', other.approvals[0])
  await arrived(task)
  expect(answered).toBe(false)
  await answer(broker, 'approve', task.approvals[0])
  expect((await waiting).body.status).toBe('active')
})

test('when its seconds are over, the task is answered as it is', async () => {
  const task = await ask(broker)
  expect((await wait(task, 1)).body.status).toBe('pending_approval')
})

test.each(['61', '-1', '1.5', 'long', ''])('wait=%s is refused, or is none', async (seconds) => {
  const task = await ask(broker)
  const answered = await wait(task, seconds)
  // An empty value is 0.
  if (seconds === '') expect(answered.body.status).toBe('pending_approval')
  else expectRefusal(answered, 400, 'invalid_request')
})

test('more than ten do not wait for one task', async () => {
  const task = await ask(broker)
  let waiting = 10
  const answers = Array.from({ length: 10 }, () => wait(task).finally(() => (waiting -= 1)))
  await until(async () => {
    const started = Date.now()
    await wait(task, 1)
    return Date.now() - started < 900
  })
  expect(waiting).toBe(10)
  await answer(broker, 'approve', task.approvals[0])
  for (const { body } of await Promise.all(answers)) expect(body.status).toBe('active')
})

test('a broker that stops answers those who wait, and does not wait for them', async () => {
  const task = await ask(broker)
  const waiting = wait(task)
  await arrived(task)
  await broker.stop()
  expect((await waiting).body.status).toBe('pending_approval')
  await broker.start()
})

test('mayfly task wait ends with the decision, and says it', async () => {
  const task = await ask(broker)
  const waiting = commandFor(task)
  await arrived(task)
  await answer(broker, 'approve', task.approvals[0])
  expect(await waiting).toMatchObject({ status: 0, stdout: expect.stringContaining(`${task.id} active`) })

  const refused = await ask(broker)
  await answer(broker, 'deny', refused.approvals[0])
  expect(await commandFor(refused)).toMatchObject({
    status: 1,
    stdout: expect.stringContaining(`${refused.id} denied`),
  })
})

test('mayfly task wait gives up when it is told to, and the task goes on waiting', async () => {
  const task = await ask(broker)
  const { status, stderr } = await commandFor(task, '--timeout', '1', '--json')
  expect(status).toBe(1)
  expect(JSON.parse(stderr)).toMatchObject({
    code: 'awaits_approval',
    detail: expect.stringContaining('security'),
  })
  expect((await broker.read(task)).body.status).toBe('pending_approval')
})
