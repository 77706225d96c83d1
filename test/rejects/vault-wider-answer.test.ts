import { expect, test } from 'vitest'
import { connectVault, reader, secret } from '../support/vault-sandbox.ts'
import { mints } from '../support/vault.ts'

const changes: [string, object, string][] = [
  ['one policy more', { policies: ['ci-read', 'db-readonly', 'other'] }, 'not asked for'],
  ['root', { policies: ['root'], token_policies: ['root'] }, 'not asked for'],
  ['the default policy', { policies: ['ci-read', 'default'] }, 'not asked for'],
  ['a policy only among those of the token', { token_policies: ['other'] }, 'not asked for'],
  ['policies of an identity', { identity_policies: ['admin'] }, 'has an identity'],
  ['an identity without policies yet', { entity_id: 'e-1' }, 'has an identity'],
  ['policies in other namespaces', { external_namespace_policies: { ns1: ['admin'] } }, 'has an identity'],
  ['a parent', { orphan: false }, 'orphan=true'],
  ['the type batch', { token_type: 'batch' }, 'cannot be revoked'],
  ['a way to renew it', { renewable: true }, 'can be renewed'],
  ['a longer life', { lease_duration: 901 }, 'outlives'],
  ['an endless life', { lease_duration: 0 }, 'outlives'],
  ['no word on policies', { policies: undefined }, 'without saying'],
  ['policies that are no list', { policies: 'ci-read' }, 'without saying'],
]

test.each(changes)('a token with %s is called wider, and can be revoked', async (_, change, words) => {
  for (const detail of [reader, secret]) {
    const upstream = connectVault()
    upstream.faults.add({
      kind: 'rewrite',
      on: mints,
      rewrite: (body) => {
        const { auth, ...rest } = body as { auth: object }
        return { ...rest, auth: { ...auth, ...change } }
      },
    })
    const minted = await upstream.mint(detail)
    expect(minted).toMatchObject({ credential: {}, wider: expect.stringContaining(words) as string })
    expect(minted.accessToken).toBeUndefined()
    await expect(upstream.revoke(minted.handle)).resolves.toEqual({ done: true })
    expect(upstream.alive()).toEqual([])
  }
})

test('a token role that makes no orphans gives a token that is refused', async () => {
  const upstream = connectVault({ config: { token_role: 'mayfly' } })
  upstream.sandbox.settings.tokenRoles['mayfly']!.orphan = false
  await expect(upstream.mint()).resolves.toMatchObject({
    wider: expect.stringContaining('orphan=true') as string,
  })
})

test('a token that never ends is not taken for one that has ended', async () => {
  const upstream = connectVault()
  const rewrite = (body: unknown) => ({ auth: { ...(body as { auth: object }).auth, lease_duration: 0 } })
  upstream.faults.add({ kind: 'rewrite', on: mints, rewrite })
  expect((await upstream.mint()).expiresAt).toBe(Date.parse('9999-12-31T23:59:59Z'))
})
