/** /sts/exchange: octo-sts' clients as they are, and behind it a task like any other. */
import { expect, test } from 'vitest'
import { agentFiles, subjectOf } from '../support/agents.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { stsAgent, stsExchange } from '../support/sts.ts'
import { until } from '../support/until.ts'

const broker = await sharedBroker({
  files: {
    ...stsAgent('release'),
    ...stsAgent('brief', { ttl: 1 }),
    ...stsAgent('web-nightly', { identity: 'nightly' }),
    ...stsAgent('docs-nightly', {
      scope: 'acme/docs',
      identity: 'nightly',
      authorization_detail: {
        type: 'github',
        repositories: ['acme/docs'],
        permissions: { contents: 'read' },
      },
    }),
    ...stsAgent('everywhere', { scope: 'Acme' }),
    ...stsAgent('forbidden', {
      authorization_detail: {
        type: 'github',
        repositories: ['acme/docs'],
        permissions: { contents: 'write' },
      },
    }),
    ...stsAgent('waiting', {
      authorization_detail: {
        type: 'github',
        repositories: ['acme/infra'],
        permissions: { contents: 'write' },
      },
    }),
    ...agentFiles('private'),
  },
})
const { ledger } = broker.sandbox
const leases = async (agent: string) =>
  (await broker.call('GET', `/v1/admin/leases?agent=${agent}`, { token: await broker.admin() })).body.items
const tasks = async (agent: string) =>
  (await broker.call('GET', `/v1/admin/tasks?agent=${agent}`, { token: await broker.admin() })).body.items

test('a GET with a token for the bare domain is answered with exactly what such clients read', async () => {
  const { status, body, headers } = await stsExchange(broker, 'release')
  expect({ status, body }).toEqual({
    status: 200,
    body: { token: expect.stringMatching(/^ghs_/), refreshToken: '', expiry: null },
  })
  expect(headers.get('Cache-Control')).toBe('no-store')
  expect(await broker.use(body.token)).toBe(200)
})

test('it is a lease of a task of that agent, with the permissions of its file and a short life', async () => {
  await stsExchange(broker, 'release')
  const [lease] = await leases('release')
  expect(lease).toMatchObject({
    status: 'active',
    authorization_detail: { repositories: ['acme/web'], permissions: { contents: 'write' } },
  })
  expect(Date.parse(lease.deadline) - Date.parse(lease.created_at)).toBeLessThanOrEqual(600_000)
  const [task] = await tasks('release')
  expect(task).toMatchObject({ agent: 'release', purpose: 'release for acme/web', ttl: 600 })
})

test('what nobody gives back is dead at the end of its ttl', async () => {
  const { body } = await stsExchange(broker, 'brief')
  await until(async () => (await broker.use(body.token)) === 401)
  await until(async () => (await leases('brief'))[0].status === 'revoked')
})

test('what such a client revokes itself, upstream, ends like any other lease', async () => {
  const { body } = await stsExchange(broker, 'brief')
  const answer = await fetch(`${broker.sandbox.github.url}/installation/token`, {
    method: 'DELETE',
    headers: { Authorization: `Bearer ${body.token}`, 'User-Agent': 'octo' },
  })
  expect(answer.status).toBe(204)
  await until(async () =>
    (await leases('brief')).every(({ status }: { status: string }) => status === 'revoked'),
  )
})

test.each([
  ['scope=acme/web', 'web-nightly', 'acme/web'],
  ['scopes=acme/web', 'web-nightly', 'acme/web'],
  ['scope=ACME/docs', 'docs-nightly', 'acme/docs'],
])('%s tells two policies of one name apart', async (scope, name, repository) => {
  const query = `${scope}&identity=nightly`
  const { status } = await stsExchange(broker, name, { query })
  expect(status).toBe(200)
  expect((await leases(name))[0].authorization_detail.repositories).toEqual([repository])
})

test.each(['acme', 'acme/.github'])('an organization’s policy is asked for as %s', async (scope) => {
  expect(
    await stsExchange(broker, 'everywhere', { query: `scope=${scope}&identity=everywhere` }),
  ).toMatchObject({ status: 200 })
})

test.each([
  ['in the query', 'scope=acme/web&identity=release', undefined],
  ['in the body', '', { scopes: ['acme/web'], identity: 'release' }],
])('a POST may say it %s', async (_where, query, body) => {
  const answer = await stsExchange(broker, 'release', { method: 'POST', query, body })
  expect(answer).toMatchObject({ status: 200, body: { refreshToken: '', expiry: null } })
})

const refusals: Record<
  string,
  { ask: Parameters<typeof stsExchange>[2]; as?: string; status: number; code: number }
> = {
  'without a scope': { ask: { query: 'identity=release' }, status: 400, code: 3 },
  'without an identity': { ask: { query: 'scope=acme/web' }, status: 400, code: 3 },
  'for two scopes': {
    ask: { query: 'scopes=acme/web&scopes=acme/docs&identity=release' },
    status: 400,
    code: 3,
  },
  'with a token that does not verify': { ask: { token: 'a.b.c' }, status: 401, code: 16 },
  'with a token for somebody else': { ask: { claims: { aud: 'octo-sts.dev' } }, status: 401, code: 16 },
  'with a token that the policy does not trust': {
    ask: { claims: { sub: 'repo:evil/web:ref:refs/heads/main' } },
    status: 403,
    code: 7,
  },
  'for what nobody is called': { ask: { query: 'scope=acme/web&identity=nobody' }, status: 404, code: 5 },
  'for another repository': { ask: { query: 'scope=acme/docs&identity=release' }, status: 404, code: 5 },
  'for an agent that is none of theirs': { ask: {}, as: 'private', status: 404, code: 5 },
  'for what a policy forbids': { ask: {}, as: 'forbidden', status: 403, code: 7 },
}

test.each(Object.entries(refusals))('%s nothing is minted', async (_name, { ask, as, status, code }) => {
  const before = ledger.entries.length
  const answer = await stsExchange(broker, as ?? 'release', ask)
  expect({ status: answer.status, body: answer.body }).toEqual({
    status,
    body: { code, message: expect.stringMatching(/./), details: [] },
  })
  expect(ledger.entries).toHaveLength(before)
})

test('a token gets one credential', async () => {
  const token = await broker.workload({ sub: subjectOf('release'), aud: new URL(broker.url).host })
  expect(await stsExchange(broker, 'release', { token })).toMatchObject({ status: 200 })
  expect(await stsExchange(broker, 'release', { token })).toMatchObject({ status: 401, body: { code: 16 } })
})

test('what waits for a human is refused, since such a client cannot wait, and nobody is asked', async () => {
  expect(await stsExchange(broker, 'waiting')).toMatchObject({
    status: 403,
    body: { code: 7, message: expect.stringContaining('the yes of security') },
  })
  expect(await tasks('waiting')).toEqual([])
})

test('whoever only looks gets nothing', async () => {
  const before = ledger.entries.length
  const token = await broker.workload({ sub: subjectOf('release'), aud: new URL(broker.url).host })
  const { status } = await fetch(`${broker.url}/sts/exchange?scope=acme/web&identity=release`, {
    method: 'HEAD',
    headers: { Authorization: `Bearer ${token}` },
  })
  expect(status).toBe(405)
  expect(ledger.entries).toHaveLength(before)
})

test('a token for the bare domain opens nothing elsewhere, unless the issuer’s audience says so', async () => {
  const answer = await broker.open({}, { aud: new URL(broker.url).host })
  expect(answer).toMatchObject({ status: 401, body: { code: 'invalid_token' } })
})
