import { request as httpRequest } from 'node:http'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { appJwt, mintPath, world } from './client.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const secretsPath = '/repos/acme/web/actions/secrets'

test.each(['token', 'Bearer', 'bearer'])('a token is presented by the scheme %s', async (scheme) => {
  const { call, mint } = await world()
  expect((await call('GET', '/repos/acme/web', `${scheme} ${await mint()}`)).body.full_name).toBe('acme/web')
})

test('a token revokes itself, and is dead from then on', async () => {
  const { call, mint, ledger, clock } = await world()
  const authorization = `token ${await mint()}`
  expect((await call('GET', '/repos/acme/web', authorization)).status).toBe(200)
  expect((await call('DELETE', '/installation/token', authorization)).status).toBe(204)
  expect(ledger.alive(clock.now())).toEqual([])
  for (const [method, path] of [
    ['DELETE', '/installation/token'],
    ['GET', '/installation/repositories'],
    ['GET', '/repos/acme/web'],
  ] as const) {
    const { status, body } = await call(method, path, authorization)
    expect([status, body.message]).toEqual([401, 'Bad credentials'])
  }
  expect(ledger.entries[0]).toMatchObject({ revokedAt: clock.now(), uses: 1, refusals: 3 })
})

test('revoking one token leaves another with the same scope alive', async () => {
  const { call, mint } = await world()
  const [one, other] = [await mint(), await mint()]
  await call('DELETE', '/installation/token', `token ${one}`)
  expect((await call('GET', '/repos/acme/web', `token ${other}`)).status).toBe(200)
})

test('a token dies after an hour', async () => {
  const { call, mint, ledger, clock } = await world()
  const authorization = `token ${await mint()}`
  await clock.advance(3_599_999)
  expect((await call('GET', '/repos/acme/web', authorization)).status).toBe(200)
  expect(ledger.alive(clock.now())).toHaveLength(1)
  await clock.advance(1)
  expect((await call('GET', '/repos/acme/web', authorization)).status).toBe(401)
  expect((await call('DELETE', '/installation/token', authorization)).status).toBe(401)
  expect(ledger.alive(clock.now())).toEqual([])
})

test("the app's JWT revokes no token, and uses nothing", async () => {
  const { call, github, clock, mint, ledger } = await world()
  await mint()
  const authorization = `Bearer ${await appJwt(github, clock.now())}`
  expect((await call('DELETE', '/installation/token', authorization)).status).toBe(401)
  expect((await call('GET', '/repos/acme/web', authorization)).status).toBe(401)
  expect(ledger.alive(clock.now())).toHaveLength(1)
})

test.each([undefined, '', 'token', 'token ghs_unknown', 'Basic eDp5'])(
  'nobody is known by the authorization %j',
  async (authorization) => {
    const { call } = await world()
    expect((await call('GET', '/repos/acme/web', authorization)).status).toBe(401)
    expect((await call('DELETE', '/installation/token', authorization)).status).toBe(401)
  },
)

test("a suspended installation's token is refused, not revoked, and comes back", async () => {
  const { call, mint, github, ledger, clock } = await world()
  const authorization = `token ${await mint()}`
  github.suspend()
  for (const method of ['GET', 'DELETE'] as const) {
    const path = method === 'GET' ? '/repos/acme/web' : '/installation/token'
    expect((await call(method, path, authorization)).status).toBe(403)
  }
  expect(ledger.alive(clock.now())).toHaveLength(1)
  github.unsuspend()
  expect((await call('GET', '/repos/acme/web', authorization)).status).toBe(200)
})

test('until it is replicated, a token is unknown even to its revocation', async () => {
  const { call, mint, clock } = await world({ replicationDelay: 2000 })
  const authorization = `token ${await mint()}`
  expect((await call('DELETE', '/installation/token', authorization)).status).toBe(401)
  await clock.advance(2000)
  expect((await call('GET', '/repos/acme/web', authorization)).status).toBe(200)
})

test('a repository that the token is not for is not found', async () => {
  const { call, mint, ledger } = await world()
  const token = await mint()
  for (const path of ['/repos/acme/infra', '/repos/acme/infra/contents/README.md', '/repos/else/web']) {
    expect((await call('GET', path, `token ${token}`)).status).toBe(404)
  }
  expect(ledger.find(token)).toMatchObject({ uses: 0, refusals: 3 })
})

test('a repository that leaves the installation leaves its tokens', async () => {
  const { call, mint, github } = await world()
  const tokens = [await mint(), await mint({})]
  github.settings.repositories = ['docs']
  for (const token of tokens) {
    expect((await call('GET', '/repos/acme/web', `token ${token}`)).status).toBe(404)
  }
})

test.each([
  ['GET', '/repos/acme/web/contents/README.md', { issues: 'write' }, { contents: 'read' }],
  ['PUT', '/repos/acme/web/contents/a.txt', { contents: 'read' }, { contents: 'write' }],
  [
    'PUT',
    '/repos/acme/web/contents/.github/workflows/ci.yml',
    { contents: 'write' },
    { contents: 'write', workflows: 'write' },
  ],
  [
    'PUT',
    '/repos/acme/web/contents/.github%2Fworkflows%2Fci.yml',
    { contents: 'write' },
    { contents: 'write', workflows: 'write' },
  ],
  ['GET', '/repos/acme/web/issues', { contents: 'write' }, { issues: 'read' }],
  ['POST', '/repos/acme/web/issues', { issues: 'read' }, { issues: 'write' }],
  ['GET', secretsPath, { contents: 'write', administration: 'read' }, { secrets: 'read' }],
])('%s %s takes more than %j: it takes %j', async (method, path, less, enough) => {
  const { call, mint, ledger } = await world()
  const body = method === 'GET' ? undefined : { message: 'm', title: 't', content: base64('x') }
  const [short, right] = [
    await mint({ repositories: ['web'], permissions: less }),
    await mint({ repositories: ['web'], permissions: enough }),
  ]
  const refused = await call(method, path, `token ${short}`, body)
  expect([refused.status, refused.body.message]).toEqual([403, 'Resource not accessible by integration'])
  expect((await call(method, path, `token ${right}`, body)).status).toBe(method === 'GET' ? 200 : 201)
  expect(ledger.find(short)).toMatchObject({ uses: 0, refusals: 1 })
  expect(ledger.find(right)).toMatchObject({ uses: 1, refusals: 0 })
})

test('a file is written, read back, and replaced only by who names what it replaces', async () => {
  const { call, mint } = await world()
  const authorization = `token ${await mint({ repositories: ['web'], permissions: { contents: 'write' } })}`
  const path = '/repos/acme/web/contents/src/a.txt'
  const put = (text: string, sha?: string) =>
    call('PUT', path, authorization, { message: 'm', content: base64(text), sha })
  expect((await call('GET', path, authorization)).status).toBe(404)
  expect((await put('one')).status).toBe(201)
  const { body } = await call('GET', path, authorization)
  expect(body).toMatchObject({ name: 'a.txt', path: 'src/a.txt', content: base64('one') })
  // As `git hash-object` names a file that holds "one".
  expect(body.sha).toBe('43dd47ea691c90a5fa7827892c70241913351963')
  expect((await put('two')).status).toBe(422)
  expect((await put('two', '0'.repeat(40))).status).toBe(409)
  expect((await put('two', body.sha)).status).toBe(200)
  expect((await call('GET', path, authorization)).body.content).toBe(base64('two'))
})

test('a file that is not base64, or has no message, is refused', async () => {
  const { call, mint } = await world()
  const authorization = `token ${await mint({ permissions: { contents: 'write' } })}`
  for (const body of [{ message: 'm', content: '%' }, { content: base64('x') }]) {
    expect((await call('PUT', '/repos/acme/web/contents/a', authorization, body)).status).toBe(422)
  }
})

test('issues are numbered and listed, newest first, in their own repository', async () => {
  const { call, mint } = await world()
  const authorization = `token ${await mint({ permissions: { issues: 'write' } })}`
  for (const title of ['one', 'two']) await call('POST', '/repos/acme/web/issues', authorization, { title })
  const { body } = await call('GET', '/repos/acme/web/issues', authorization)
  expect(body).toMatchObject([
    { number: 2, title: 'two' },
    { number: 1, title: 'one' },
  ])
  expect((await call('GET', '/repos/acme/docs/issues', authorization)).body).toEqual([])
  expect((await call('POST', '/repos/acme/web/issues', authorization, {})).status).toBe(422)
})

test('secrets are listed by name, without their values', async () => {
  const { call, mint } = await world()
  const authorization = `token ${await mint({ permissions: { secrets: 'read' } })}`
  const [secret] = (await call('GET', secretsPath, authorization)).body.secrets
  expect(Object.keys(secret)).toEqual(['name', 'created_at', 'updated_at'])
})

test('a token lists its repositories, page by page', async () => {
  const { call, mint } = await world()
  const list = async (token: string, query: string) =>
    (await call('GET', `/installation/repositories${query}`, `token ${token}`)).body
  const names = (body: { repositories: { name: string }[] }) => body.repositories.map(({ name }) => name)
  const some = await list(await mint({ repositories: ['docs', 'web'] }), '?per_page=1&page=2')
  expect(some).toMatchObject({ total_count: 2, repository_selection: 'selected' })
  expect(names(some)).toEqual(['docs'])
  expect(names(await list(await mint({}), ''))).toEqual(['web', 'infra', 'docs'])
})

test('two owners share nothing but the app', async () => {
  const other = {
    owner: 'globex',
    ownerType: 'User' as const,
    installationId: 5002,
    repositories: ['web'],
    permissions: { contents: 'read' },
  }
  const { asApp, call, github } = await world({ installations: [other] })
  expect((await asApp('GET', '/repos/globex/web/installation')).body.id).toBe(5002)
  const { token, permissions } = (await asApp('POST', mintPath.replace('5001', '5002'), {})).body
  expect(permissions).toEqual({ contents: 'read', metadata: 'read' })
  expect((await call('GET', '/repos/globex/web', `token ${token}`)).body.owner).toMatchObject({
    login: 'globex',
    type: 'User',
  })
  expect((await call('GET', '/repos/acme/web', `token ${token}`)).status).toBe(404)
  github.suspend()
  expect((await call('GET', '/repos/globex/web', `token ${token}`)).status).toBe(200)
  github.suspend(5002)
  expect((await call('GET', '/repos/globex/web', `token ${token}`)).status).toBe(403)
})

test('a request without a User-Agent is refused', async () => {
  const { github } = await world()
  const outgoing = httpRequest(`${github.url}/app`).end()
  const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
  answer.resume()
  expect(answer.statusCode).toBe(403)
})
