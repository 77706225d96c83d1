import { expect, test } from 'vitest'
import type { Answer } from '../support/broker.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker({ settings: { limits: { live_leases: { task: 3, agent: 5 } } } })
const { ledger } = broker.sandbox

const minted = (answers: Answer[]) => answers.filter(({ status }) => status === 201)

function expectTheRestLimited(answers: Answer[]): void {
  for (const answer of answers.filter(({ status }) => status !== 201)) {
    expectRefusal(answer, 429, 'limit_exceeded')
    expect(Number(answer.headers.get('Retry-After'))).toBeGreaterThan(0)
  }
}

test('of many mints at once at one below the limit, one succeeds', async () => {
  const { body: task } = await broker.open()
  await Promise.all([broker.mint(task), broker.mint(task)])
  const answers = await Promise.all(Array.from({ length: 10 }, () => broker.mint(task)))
  expect(minted(answers)).toHaveLength(1)
  expectTheRestLimited(answers)
  expect(ledger.alive()).toHaveLength(3)
  await broker.complete(task)
})

test("an agent's limit holds over all its tasks", async () => {
  const tasks = await Promise.all([broker.open(), broker.open(), broker.open()])
  const answers = await Promise.all(
    tasks.flatMap(({ body }) => [broker.mint(body), broker.mint(body), broker.mint(body)]),
  )
  expect(minted(answers)).toHaveLength(5)
  expectTheRestLimited(answers)
  expect(ledger.alive()).toHaveLength(5)
  await broker.revoke({ all: true })
})

test('what is given back makes room again', async () => {
  const { body: task } = await broker.open()
  const [first] = minted([await broker.mint(task), await broker.mint(task), await broker.mint(task)])
  expectTheRestLimited([await broker.mint(task)])
  await broker.call('POST', `/v1/tasks/${task.id}/leases/${first!.body.lease.id}/revoke`, {
    token: task.task_token,
  })
  expect((await broker.mint(task)).status).toBe(201)
})
