import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { mintPath, world } from './client.ts'

const web = { repositories: ['web'], permissions: { contents: 'read' } }
const notGranted = [422, 'The permissions requested are not granted to this installation.']
const noRepository = [
  422,
  'There is at least one repository that does not exist or is not accessible to the parent installation.',
]

test('a token is for the repositories and permissions asked for, and reads metadata', async () => {
  const { asApp, clock } = await world()
  const { status, body } = await asApp('POST', mintPath, web)
  expect(status).toBe(201)
  expect(body).toMatchObject({
    permissions: { contents: 'read', metadata: 'read' },
    repository_selection: 'selected',
    repositories: [{ name: 'web', full_name: 'acme/web', owner: { login: 'acme' } }],
  })
  expect(Object.keys(body.permissions)).toHaveLength(2)
  expect(body.expires_at).toBe(new Date(clock.now() + 3_600_000).toISOString().replace('.000', ''))
})

test('a token has the stateless form, and is never the same twice', async () => {
  const { mint } = await world()
  const tokens = [await mint(), await mint()]
  for (const token of tokens) {
    expect(token).toMatch(/^ghs_424242_[\w-]+\.[\w-]+\.[\w-]+$/)
    expect(token).toHaveLength(522)
  }
  expect(tokens[0]).not.toBe(tokens[1])
})

test.each([{}, { repositories: [] }, { repository_ids: [] }, ''])(
  'without repositories, as in %j, a token is for all of them',
  async (body) => {
    const { asApp, call } = await world()
    const answer = (await asApp('POST', mintPath, body)).body
    expect(answer).toMatchObject({ repository_selection: 'all', permissions: { contents: 'write' } })
    expect(answer).not.toHaveProperty('repositories')
    for (const repository of ['web', 'infra', 'docs']) {
      expect((await call('GET', `/repos/acme/${repository}`, `token ${answer.token}`)).status).toBe(200)
    }
  },
)

test.each([{ repositories: ['web'] }, { repositories: ['web'], permissions: {} }])(
  'without permissions, as in %j, a token has all that were granted',
  async (body) => {
    const { asApp, github } = await world()
    expect((await asApp('POST', mintPath, body)).body.permissions).toEqual(github.settings.permissions)
  },
)

test('repositories may be named by id', async () => {
  const { asApp } = await world()
  const { id } = (await asApp('POST', mintPath, web)).body.repositories[0]
  const { body } = await asApp('POST', mintPath, { repository_ids: [id] })
  expect(body.repositories).toEqual([expect.objectContaining({ id, name: 'web' })])
})

test('repositories named twice, also in another case, are granted once', async () => {
  const { asApp } = await world()
  const { body } = await asApp('POST', mintPath, { repositories: ['web', 'WEB', 'web'] })
  expect(body.repositories).toHaveLength(1)
})

test('names and ids together are refused', async () => {
  const { asApp } = await world()
  const { id } = (await asApp('POST', mintPath, web)).body.repositories[0]
  expect((await asApp('POST', mintPath, { repositories: ['web'], repository_ids: [id] })).status).toBe(422)
})

test.each(['nope', 'acme/web', ''])(
  'the repository "%s" is refused, also beside one that is granted',
  async (name) => {
    const { asApp } = await world()
    const { status, body } = await asApp('POST', mintPath, { repositories: ['web', name] })
    expect([status, body.message]).toEqual(noRepository)
  },
)

test('500 repositories may be named, and no more', async () => {
  const names = Array.from({ length: 501 }, (_, index) => `r${index}`)
  const { asApp } = await world({ repositories: names })
  expect((await asApp('POST', mintPath, { repositories: names.slice(1) })).status).toBe(201)
  expect((await asApp('POST', mintPath, { repositories: names })).status).toBe(422)
})

test.each([
  ['an unknown name', { nonsense: 'read' }],
  ['a hyphen', { 'pull-requests': 'read' }],
  ['one that was not granted', { organization_secrets: 'read' }],
  ['a level above the one granted', { administration: 'write' }],
  ['a level that the permission lacks', { workflows: 'read' }],
  ['one of two', { contents: 'read', pages: 'read' }],
])('permissions are refused for %s', async (_, permissions) => {
  const { asApp, ledger } = await world()
  const { status, body } = await asApp('POST', mintPath, { ...web, permissions })
  expect([status, body.message]).toEqual(notGranted)
  expect(ledger.entries).toEqual([])
})

test.each([
  ['no JSON', '{', 400],
  ['no object', '[]', 400],
  ['a level that does not exist', { permissions: { contents: 'own' } }, 422],
  ['an unknown key', { repository: 'web' }, 422],
  ['a single name', { repositories: 'web' }, 422],
  ['an id that is no number', { repository_ids: ['1'] }, 422],
])('a body is refused that is, or has, %s', async (_, body, status) => {
  const { asApp, ledger } = await world()
  expect((await asApp('POST', mintPath, body)).status).toBe(status)
  expect(ledger.entries).toEqual([])
})

test('an unknown installation is not found', async () => {
  const { asApp } = await world()
  expect((await asApp('POST', '/app/installations/5002/access_tokens', web)).status).toBe(404)
})

test('a suspended installation mints nothing until the suspension is lifted', async () => {
  const { asApp } = await world()
  expect((await asApp('PUT', '/app/installations/5001/suspended')).status).toBe(204)
  const { status, body } = await asApp('POST', mintPath, web)
  expect([status, body.message]).toEqual([403, 'This installation has been suspended'])
  expect((await asApp('GET', '/app/installations/5001')).body.suspended_at).toMatch(/^2026-/)
  expect((await asApp('DELETE', '/app/installations/5001/suspended')).status).toBe(204)
  expect((await asApp('POST', mintPath, web)).status).toBe(201)
})

test('settings changed while running hold for what is minted next', async () => {
  const { asApp, github } = await world()
  github.settings.repositories = ['api']
  github.settings.permissions = { contents: 'read' }
  expect((await asApp('POST', mintPath, web)).status).toBe(422)
  expect((await asApp('POST', mintPath, {})).body.permissions).toEqual({ contents: 'read', metadata: 'read' })
})

test('the ledger knows each token by the hash that audit logs carry', async () => {
  const { mint, ledger, clock } = await world()
  const token = await mint()
  expect(ledger.find(token)).toEqual({
    provider: 'github',
    secret: token,
    fingerprint: createHash('sha256').update(token).digest('base64'),
    mintedAt: clock.now(),
    expiresAt: clock.now() + 3_600_000,
    scope: {
      installation_id: 5001,
      repositories: ['acme/web'],
      permissions: { contents: 'read', metadata: 'read' },
    },
    uses: 0,
    refusals: 0,
  })
})
