/** Whom each kind of fence keeps out, at opening and at minting, and whom it does not. */
import { afterEach, expect, test } from 'vitest'
import { agentFiles, subjectOf } from '../support/agents.ts'
import { type Answer, readWeb } from '../support/broker.ts'
import { describedBroker } from '../support/described-broker.ts'
import { expectRefusal } from '../support/refusal.ts'
import { aRun, withSessions } from '../support/runs.ts'

const broker = await describedBroker({
  ...withSessions(),
  files: agentFiles('other-bot', { owner: 'Tools@acme.dev' }),
})

const raise = async (selector: unknown, more: object = {}) =>
  broker.call('POST', '/v1/admin/fences', {
    token: await broker.admin(),
    body: { selector, reason: 'a test', ...more },
  })
const lift = async (id: string) =>
  broker.call('DELETE', `/v1/admin/fences/${id}?reason=over`, { token: await broker.admin() })
const fences = async (query = '') =>
  (await broker.call('GET', `/v1/admin/fences${query}`, { token: await broker.admin() })).body.items

afterEach(async () => {
  for (const { id } of await fences()) await lift(id)
})

const run = aRun()
const open = {
  ours: (more: object = {}) => broker.open({}, { ...run, actor: 'mallory', groups: ['a', 'b'], ...more }),
  theirs: (more: object = {}) => broker.open({}, { sub: subjectOf('other-bot'), ...aRun(), ...more }),
}

test.each<[string, unknown, 'fenced' | 'agent_suspended', { ours: boolean; theirs: boolean }]>([
  ['an agent', { agent: 'refactor-bot' }, 'agent_suspended', { ours: true, theirs: false }],
  ['an owner', { owner: 'linus@acme.dev' }, 'fenced', { ours: true, theirs: false }],
  ['an owner in other letters', { owner: 'tools@ACME.dev' }, 'fenced', { ours: false, theirs: true }],
  ['an issuer', { issuer: 'sandbox' }, 'fenced', { ours: true, theirs: true }],
  ['an issuer by its URL', { issuer: broker.sandbox.issuer.url }, 'fenced', { ours: true, theirs: true }],
  ['a provider', { provider: 'github' }, 'fenced', { ours: true, theirs: true }],
  ['a connection', { provider: 'github/acme' }, 'fenced', { ours: true, theirs: true }],
  [
    'a claim',
    { claim: { issuer: 'sandbox', name: 'actor', value: 'mallory' } },
    'fenced',
    { ours: true, theirs: false },
  ],
  [
    'an element of a claim that is a list',
    { claim: { issuer: 'sandbox', name: 'groups', value: 'b' } },
    'fenced',
    { ours: true, theirs: false },
  ],
  [
    'a session',
    { session: { issuer: 'sandbox', claims: { run_id: run.run_id } } },
    'fenced',
    { ours: true, theirs: false },
  ],
  ['everyone', { all: true }, 'fenced', { ours: true, theirs: true }],
])('%s', async (_kind, selector, code, out) => {
  const [ours, theirs] = [(await open.ours()).body, (await open.theirs()).body]
  const { status, body: fence } = await raise(selector)
  expect({ status, fence: fence.status }).toEqual({ status: 201, fence: 'standing' })
  const expectFenced = (answer: Answer, isOut: boolean, otherwise: number) =>
    isOut ? expectRefusal(answer, 403, code) : expect(answer.status).toBe(otherwise)

  expectFenced(await open.ours(), out.ours, 201)
  expectFenced(await open.theirs(), out.theirs, 201)
  expectFenced(await broker.mint(ours), out.ours, 201)
  expectFenced(await broker.mint(theirs, readWeb), out.theirs, 201)

  expect((await lift(fence.id)).body).toMatchObject({ id: fence.id, status: 'over' })
  expect((await open.ours()).status).toBe(201)
  expect((await broker.mint(ours)).status).toBe(201)
  expectRefusal(await lift(fence.id), 404, 'not_found')
})

test('another value, another run, and an issuer that is not known', async () => {
  expectRefusal(await raise({ claim: { issuer: 'other', name: 'actor', value: 'x' } }), 404, 'not_found')
  await raise({ claim: { issuer: 'sandbox', name: 'actor', value: 'mall' } })
  await raise({ session: { issuer: 'sandbox', claims: { run_id: run.run_id, run_attempt: '2' } } })
  expect((await open.ours()).status).toBe(201)
})

test('a claim may stand inside another, and be a number or a boolean', async () => {
  const claims = { 'kubernetes.io': { pod: { uid: 'abc' } }, attempt: 7, forked: true }
  for (const [name, value] of [
    ['/kubernetes.io/pod/uid', 'abc'],
    ['attempt', '7'],
    ['forked', 'true'],
  ]) {
    const { body: fence } = await raise({ claim: { issuer: 'sandbox', name, value } })
    expectRefusal(await open.ours(claims), 403, 'fenced')
    expect((await open.ours()).status).toBe(201)
    await lift(fence.id)
  }
})

test('an agent under a fence is suspended, however it came there, and resumes with the fence lifted', async () => {
  const agent = async () =>
    (await broker.call('GET', '/v1/admin/agents?name=refactor-bot', { token: await broker.admin() })).body
      .items[0]
  const { body: fence } = await raise({ agent: 'refactor-bot' })
  expect(await agent()).toMatchObject({
    status: 'suspended',
    suspension: { by: 'sandbox:ada', reason: 'a test' },
  })
  const resume = { token: await broker.admin(), body: { reason: 'done' } }
  expect((await broker.call('POST', '/v1/admin/agents/refactor-bot/resume', resume)).status).toBe(200)
  expectRefusal(await lift(fence.id), 404, 'not_found')
  expect(await agent()).toMatchObject({ status: 'active', suspension: null })
})

test('raised twice, it is one; for longer, it is another beside it', async () => {
  const soon = new Date(Date.now() + 60_000).toISOString()
  const { body: first } = await raise({ agent: 'other-bot' }, { until: soon })
  expect((await raise({ agent: 'other-bot' }, { until: soon })).body.id).toBe(first.id)
  const { body: longer } = await raise({ agent: 'other-bot' })
  expect(longer).toMatchObject({ until: null })
  expect(longer.id).not.toBe(first.id)
})

test('how many stand is in the metrics, by kind', async () => {
  await raise({ agent: 'other-bot' })
  await raise({ agent: 'refactor-bot' })
  const { body } = await broker.call('GET', '/metrics')
  expect(body).toContain('mayfly_fences{kind="agent"} 2\n')
  expect(body).toContain('mayfly_fences{kind="all"} 0\n')
})

test('the list: the newest first, by id and kind, in pages', async () => {
  const { body: one } = await raise({ agent: 'other-bot' })
  const { body: two } = await raise({ owner: 'linus@acme.dev' })
  expect(await fences()).toEqual([two, one])
  expect(await fences(`?id=${one.id}`)).toEqual([one])
  expect(await fences('?kind=owner')).toEqual([two])
  const token = await broker.admin()
  const { body: page } = await broker.call('GET', '/v1/admin/fences?limit=1', { token })
  const { body: rest } = await broker.call('GET', `/v1/admin/fences?limit=1&cursor=${page.next}`, { token })
  expect([...page.items, ...rest.items]).toEqual([two, one])
})
