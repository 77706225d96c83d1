import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { github } from '../../providers/github.ts'
import { connect } from '../../providers/github/connect.ts'
import { deadAddress } from '../support/dead-address.ts'
import { mints } from '../support/github.ts'
import { connectGithub, webWriter } from '../support/github-sandbox.ts'

const both = github.detail.parse({
  type: 'github',
  repositories: ['Acme/Web', 'acme/docs'],
  permissions: { pull_requests: 'write', contents: 'read' },
})

test('a mint always names both its repositories, without their owner, and its permissions', async () => {
  const upstream = connectGithub()
  await upstream.mint(both)
  expect(upstream.bodies).toEqual([
    { repositories: ['docs', 'web'], permissions: { contents: 'read', pull_requests: 'write' } },
  ])
})

test('a token reaches what was asked, plus the metadata that every token reads', async () => {
  const upstream = connectGithub()
  const minted = await upstream.mint(both)
  expect(minted.wider).toBeUndefined()
  expect(upstream.ledger.find(String(minted.credential['token']))?.scope).toMatchObject({
    repositories: ['acme/docs', 'acme/web'],
    permissions: { contents: 'read', pull_requests: 'write', metadata: 'read' },
  })
})

test('the installation is recognised whatever the case of its names', async () => {
  const upstream = connectGithub({ settings: { owner: 'ACME', repositories: ['Web'] } })
  expect((await upstream.mint()).wider).toBeUndefined()
})

test("the fingerprint is the hashed_token of GitHub's audit log", async () => {
  const upstream = connectGithub()
  const { credential, accessToken, fingerprint } = await upstream.mint()
  expect(accessToken).toBe(credential['token'])
  expect(fingerprint).toBe(createHash('sha256').update(String(accessToken)).digest('base64'))
})

test('two concurrent mints for the same thing are two requests and two tokens', async () => {
  const upstream = connectGithub()
  const [first, second] = await Promise.all([upstream.mint(), upstream.mint()])
  expect(upstream.requests.filter(mints)).toHaveLength(2)
  expect(first.credential['token']).not.toBe(second.credential['token'])
})

test('a token that was revoked is never handed out again', async () => {
  const upstream = connectGithub()
  const first = await upstream.mint()
  await upstream.revoke(first.handle)
  const second = await upstream.mint()
  await expect(upstream.probe(second.handle)).resolves.toMatchObject({ result: 'live' })
})

test('organization permissions are minted with repository permissions', async () => {
  const upstream = connectGithub()
  const detail = { ...webWriter, permissions: { contents: 'read', members: 'read' } as const }
  expect((await upstream.mint(detail)).wider).toBeUndefined()
})

test('what would be sent is checked once more: an empty list never reaches GitHub', async () => {
  const upstream = connectGithub()
  for (const empty of [{ repositories: [] }, { permissions: {} }]) {
    await expect(upstream.mint({ ...webWriter, ...empty })).rejects.toMatchObject({ kind: 'rejected' })
  }
  expect(upstream.requests).toEqual([])
})

test('a permission that the installation lacks is refused by name before the mint', async () => {
  const upstream = connectGithub()
  const greedy = { ...webWriter, permissions: { contents: 'write', members: 'write' } as const }
  await expect(upstream.mint(greedy)).rejects.toMatchObject({
    kind: 'rejected',
    message: expect.stringContaining('members: write') as string,
  })
  expect(upstream.requests.filter(mints)).toEqual([])
})

test('a repository outside the installation is rejected', async () => {
  const upstream = connectGithub()
  const elsewhere = { ...webWriter, repositories: ['acme/elsewhere', 'acme/web'] }
  await expect(upstream.mint(elsewhere)).rejects.toMatchObject({ kind: 'rejected', maybeDone: false })
})

test('a suspended installation is rejected by name, before the mint', async () => {
  const upstream = connectGithub()
  upstream.sandbox.github.suspend()
  await expect(upstream.mint()).rejects.toMatchObject({
    kind: 'rejected',
    message: expect.stringContaining('suspended') as string,
  })
  expect(upstream.requests.filter(mints)).toEqual([])
})

test('a mint whose connection was refused has certainly not happened', async () => {
  const upstream = connectGithub()
  const dead = await deadAddress()
  const connection = connect(upstream.config, {
    ...upstream.context,
    fetch: (input, init) => fetch(init?.method === 'POST' ? dead : input, init),
  })
  await expect(upstream.mint(webWriter, connection)).rejects.toMatchObject({
    kind: 'unavailable',
    maybeDone: false,
  })
})

test('a connection serves the owners of its configuration', () => {
  const { terms } = connectGithub()
  expect(terms.serves(webWriter)).toBe(true)
  expect(terms.serves({ ...webWriter, repositories: ['other/web'] })).toBe(false)
})
