/** Nobody lifts a fence on an agent they own, nor lets it go on in any other way. */
import { expect, test } from 'vitest'
import { agentFiles, subjectOf } from '../support/agents.ts'
import { rows } from '../support/database.ts'
import { describedBroker } from '../support/described-broker.ts'
import { expectRefusal } from '../support/refusal.ts'
import { aRun, withSessions } from '../support/runs.ts'

const broker = await describedBroker({
  ...withSessions(),
  files: {
    ...agentFiles('eves-bot', { owner: 'eve@acme.dev' }),
    ...agentFiles('subs-bot', { owner: 'auth0|eve' }),
  },
})

const eve = { sub: 'auth0|eve', email: 'eve@acme.dev' }
const unshown = { sub: 'somebody', email: undefined, email_verified: undefined }

const raise = async (selector: unknown) => {
  const token = await broker.admin()
  const { body } = await broker.call('POST', '/v1/admin/fences', {
    token,
    body: { selector, reason: 'a test' },
  })
  return body.id as string
}
const lift = async (id: string, claims: Record<string, unknown> = {}) =>
  broker.call('DELETE', `/v1/admin/fences/${id}`, { token: await broker.admin(claims) })

const runOf = async (agent: string) => {
  const run = aRun()
  const { body: task } = await broker.open({}, { sub: subjectOf(agent), ...run })
  return { run, task: task.id as string }
}

test.each<[string, () => Promise<unknown>]>([
  ['the agent', async () => ({ agent: 'eves-bot' })],
  ['themselves as an owner', async () => ({ owner: 'Eve@acme.dev' })],
  ['a session of the agent', async () => ({ session: (await runOf('eves-bot')).task })],
  [
    'the claims of a session that the agent has open',
    async () => ({ session: { issuer: 'sandbox', claims: (await runOf('eves-bot')).run } }),
  ],
  [
    'a claim that a task of the agent shows',
    async () => {
      const { run } = await runOf('eves-bot')
      return { claim: { issuer: 'sandbox', name: 'run_id', value: run.run_id } }
    },
  ],
  [
    'a claim by which the agent is known, though it is not at work',
    async () => ({ claim: { issuer: 'sandbox', name: 'sub', value: subjectOf('eves-bot') } }),
  ],
  ['an agent that is theirs by subject', async () => ({ agent: 'subs-bot' })],
])('a fence on %s', async (_what, selector) => {
  const id = await raise(await selector())
  expectRefusal(await lift(id, eve), 403, 'forbidden')
  const [denied] = rows(broker, 'audit_events', "type = 'request.denied' order by seq desc limit 1")
  expect(denied).toMatchObject({ actor: 'admin:sandbox:auth0|eve' })
  expect(JSON.parse(denied!.data!)).toEqual({
    reason: 'nobody lifts a fence on an agent they own',
    fence: id,
  })
  expect((await lift(id)).status).toBe(200)
})

test('a fence stays on the agent that it was raised on, whatever becomes of its task', async () => {
  const run = aRun()
  const selector = { session: { issuer: 'sandbox', claims: { run_id: run.run_id } } }
  const task = await broker.open({}, { sub: subjectOf('eves-bot'), ...run })
  const [one, other] = [await raise(selector), await raise(selector)]
  expect(other).toBe(one)
  await broker.complete(task.body)
  expectRefusal(await lift(one, eve), 403, 'forbidden')
})

test('who shows no address is not held to be another than an owner who is known by one', async () => {
  for (const selector of [{ agent: 'eves-bot' }, { owner: 'eve@acme.dev' }]) {
    const id = await raise(selector)
    expectRefusal(await lift(id, unshown), 403, 'forbidden')
    expectRefusal(await lift(id, { ...unshown, email: 'ada@acme.dev' }), 403, 'forbidden')
    expectRefusal(
      await lift(id, { ...unshown, email: 'ada@acme.dev', email_verified: false }),
      403,
      'forbidden',
    )
    expect((await lift(id, { ...unshown, email: 'ada@acme.dev', email_verified: true })).status).toBe(200)
  }
})

test('a fence that is on no one agent is for any admin to lift', async () => {
  for (const selector of [{ issuer: 'sandbox' }, { provider: 'github' }, { all: true }]) {
    const id = await raise(selector)
    expect((await lift(id, eve)).status).toBe(200)
  }
})

test('raising and lifting are on record, and so is what became of the agent', async () => {
  const id = await raise({ agent: 'eves-bot' })
  await broker.call('DELETE', `/v1/admin/fences/${id}?reason=settled`, { token: await broker.admin() })
  const events = rows(
    broker,
    'audit_events',
    "type like 'fence.%' or type like 'agent.%' order by seq desc limit 4",
  )
  expect(
    events.map(({ type, actor, agent, data }) => ({ type, actor, agent, data: JSON.parse(data!) })),
  ).toEqual(
    [
      ['agent.resumed', { reason: 'settled' }],
      ['fence.lifted', { fence: id, selector: { agent: 'eves-bot' }, reason: 'settled' }],
      ['agent.suspended', { reason: 'a test' }],
      [
        'fence.raised',
        { fence: id, selector: { agent: 'eves-bot' }, agents: ['eves-bot'], reason: 'a test', until: null },
      ],
    ].map(([type, data]) => ({ type, actor: 'admin:sandbox:ada', agent: 'eves-bot', data })),
  )
})
