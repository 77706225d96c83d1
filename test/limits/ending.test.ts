/** What ends something is served whatever others behind its address, or other tasks of its agent, do. */
import { expect, test } from 'vitest'
import { ask } from '../support/approvals.ts'
import { type Answer, readWeb, startTestBroker, type TestBroker } from '../support/broker.ts'
import { exchange, revoke } from '../support/oauth-form.ts'
import { expectRefusal } from '../support/refusal.ts'

/** A broker with these limits, and what is going on when somebody uses them up. */
async function limited(limits: object) {
  const broker = await startTestBroker({ settings: { limits } })
  const opened = async () => {
    const { body: task } = await broker.open()
    const { body: minted } = await broker.mint(task, readWeb)
    return { task, lease: minted.lease, secret: minted.credential.token as string }
  }
  return { broker, one: await opened(), two: await opened(), three: await opened(), four: await opened() }
}

const guess = (broker: TestBroker) => broker.call('GET', '/v1/tasks/x', { token: 'mft_'.padEnd(47, 'x') })

async function used(up: () => Promise<Answer>): Promise<void> {
  for (;;) if ((await up()).status === 429) return
}

const asAdmin = async (broker: TestBroker, method: string, path: string, body?: unknown) =>
  broker.call(method, path, { token: await broker.admin(), ...(body !== undefined && { body }) })

/** Every way to end something: what each of them meant is dead upstream. */
async function expectAllToEnd(given: Awaited<ReturnType<typeof limited>>): Promise<void> {
  const { broker, one, two, three, four } = given
  const { task, lease } = one
  const back = await broker.call('POST', `/v1/tasks/${task.id}/leases/${lease.id}/revoke`, {
    token: task.task_token,
  })
  expect(back).toMatchObject({ status: 200, body: { status: 'revoked' } })
  expect(await broker.complete(task)).toMatchObject({ status: 200, body: { status: 'completed' } })
  expect((await revoke(broker, two.secret)).status).toBe(200)
  expect(await broker.revoke({ lease: three.lease.id })).toMatchObject({ status: 200, body: { revoked: 1 } })
  const reason = { reason: 'a test' }
  for (const verb of ['suspend', 'resume'])
    expect((await asAdmin(broker, 'POST', `/v1/admin/agents/refactor-bot/${verb}`, reason)).status).toBe(200)
  for (const { secret } of [one, two, three, four]) expect(await broker.use(secret)).toBe(401)
  expect((await asAdmin(broker, 'POST', '/v1/admin/reload')).status).toBe(200)
}

test('failures from an address cost only those who fail there', async () => {
  const given = await limited({ failures_per_minute: { address: 5 } })
  await using broker = given.broker
  const { id, approvals } = await ask(broker)
  await used(() => guess(broker))

  const refused = await guess(broker)
  expectRefusal(refused, 429, 'limit_exceeded')
  expect(refused.headers.get('Retry-After')).toMatch(/^([1-9]|[1-5]\d|60)$/)
  for (const token of ['eyJ.e30.x', await broker.workload({ exp: 1 })])
    for (const path of ['/v1/tasks', '/v1/admin/revocations', `/v1/tasks/${id}/complete`])
      expectRefusal(await broker.call('POST', path, { token, body: {} }), 429, 'limit_exceeded')
  const stranger = { sub: 'nobody' }
  expectRefusal(await broker.open({}, stranger), 429, 'limit_exceeded')
  const asked = await broker.call('GET', '/v1/admin/leases', { token: await broker.workload(stranger) })
  expectRefusal(asked, 429, 'limit_exceeded')
  expect((await exchange(broker, { subject_token: 'x' })).body.code).toBe('limit_exceeded')

  // Who verifies is served, whatever for.
  expect((await broker.open()).status).toBe(201)
  expect((await broker.mint(given.four.task, readWeb)).status).toBe(201)
  expect((await asAdmin(broker, 'GET', '/v1/admin/leases')).status).toBe(200)
  const [approval] = approvals
  const no = { digest: approval.digest }
  expect((await asAdmin(broker, 'POST', `/v1/admin/approvals/${approval.id}/deny`, no)).status).toBe(200)
  await expectAllToEnd(given)
})

test('requests from an address beyond its limit keep nobody from ending', async () => {
  const given = await limited({ requests_per_minute: { address: 40 } })
  await using broker = given.broker
  await used(() => broker.read(given.one.task))
  expectRefusal(await broker.open(), 429, 'limit_exceeded')
  expectRefusal(await asAdmin(broker, 'GET', '/v1/adminx'), 429, 'limit_exceeded')
  expect((await revoke(broker, 'a token of nobody')).body.code).toBe('limit_exceeded')
  expect((await asAdmin(broker, 'GET', '/v1/admin/leases')).status).toBe(200)
  await expectAllToEnd({ ...given, broker })
})

test("an agent's requests beyond its limit keep none of its tasks from ending", async () => {
  const given = await limited({ requests_per_minute: { agent: 10 } })
  await using broker = given.broker
  await used(() => broker.read(given.two.task))
  expectRefusal(await broker.mint(given.one.task), 429, 'limit_exceeded')
  await expectAllToEnd(given)
})
