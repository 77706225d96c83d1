import { expect, test } from 'vitest'
import { wider } from '../../providers/github/wider.ts'
import { mints } from '../support/github.ts'
import { connectGithub } from '../support/github-sandbox.ts'

type Answer = { permissions: object; repositories: object[] }
const answers: [string, (answer: Answer) => object, string][] = [
  ['all repositories', (a) => ({ ...a, repository_selection: 'all' }), 'every repository'],
  [
    'neither a selection nor a list of repositories',
    ({ permissions, repositories: _repositories, ...a }) => ({
      ...a,
      permissions,
      repository_selection: undefined,
    }),
    'every repository',
  ],
  [
    'a foreign repository and no selection',
    (a) => ({ ...a, repository_selection: undefined, repositories: [{ full_name: 'evil/web' }] }),
    '1 repositories',
  ],
  ['no list of repositories', (a) => ({ ...a, repositories: undefined }), 'every repository'],
  [
    'one repository more',
    (a) => ({ ...a, repositories: [...a.repositories, { full_name: 'acme/infra' }] }),
    '1 repositories',
  ],
  [
    'a repository of the same name elsewhere',
    (a) => ({ ...a, repositories: [{ full_name: 'evil/web' }] }),
    '1 repositories',
  ],
  [
    'a repository of another owner, named in parts',
    (a) => ({ ...a, repositories: [{ name: 'web', owner: { login: 'evil' } }] }),
    '1 repositories',
  ],
  ['a bare name not asked for', (a) => ({ ...a, repositories: [{ name: 'infra' }] }), '1 repositories'],
  ['a repository without a name', (a) => ({ ...a, repositories: [{ id: 700_001 }] }), '1 repositories'],
  ['no expiry', (a) => ({ ...a, expires_at: undefined }), 'does not say'],
  ['an expiry that is no time', (a) => ({ ...a, expires_at: 'soon' }), 'does not say'],
  ['an expiry that is a number', (a) => ({ ...a, expires_at: 1_900_000_000 }), 'does not say'],
  ['a higher level', (a) => ({ ...a, permissions: { contents: 'admin' } }), 'contents'],
  [
    'one permission more',
    (a) => ({ ...a, permissions: { ...a.permissions, administration: 'read' } }),
    'administration',
  ],
  ['more than reading metadata', (a) => ({ ...a, permissions: { metadata: 'write' } }), 'metadata'],
  ['a level nobody knows', (a) => ({ ...a, permissions: { contents: 'owner' } }), 'contents'],
  ['a permission nobody knows', (a) => ({ ...a, permissions: { teleport: 'read' } }), 'has not documented'],
  ['no word on permissions', (a) => ({ ...a, permissions: undefined }), 'does not say'],
  ['permissions that are not any', (a) => ({ ...a, permissions: [{ contents: 'read' }] }), 'does not say'],
]

test.each(answers)(
  'an answer with %s is called wider, and its token can be revoked',
  async (_, change, words) => {
    const upstream = connectGithub()
    upstream.faults.add({ kind: 'rewrite', rewrite: (body) => change(body as Answer), on: mints })
    const minted = await upstream.mint()
    expect(minted.wider).toContain(words)
    await expect(upstream.revoke(minted.handle)).resolves.toEqual({ done: true })
    expect(upstream.ledger.alive(upstream.clock.now())).toEqual([])
  },
)

test('an answer that lists exactly what was asked, and names no selection, is not wider', async () => {
  const upstream = connectGithub()
  const rewrite = (body: unknown) => ({ ...(body as Answer), repository_selection: undefined })
  upstream.faults.add({ kind: 'rewrite', rewrite, on: mints })
  expect(await upstream.mint()).not.toHaveProperty('wider')
})

test('a repository without a name is not one that is called undefined', () => {
  const repositories = ['acme/undefined']
  const permissions = { contents: 'read' } as const
  const answer = { expires_at: '2026-11-02T10:00:00Z', permissions, repositories: [{}] }
  expect(wider({ type: 'github', repositories, permissions }, answer)).toContain('1 repositories')
})
