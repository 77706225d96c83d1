import { describe, expect, it } from 'vitest'
import type { AuthorizationDetail, Client, Task } from '../../src/client/client.ts'
import { equipTools } from '../../src/client/run/tools.ts'

const credentials: Record<string, Record<string, unknown>> = {
  github: { token: 'ghs_1' },
  aws: { access_key_id: 'ASIA1', secret_access_key: 'secret', session_token: 'session', region: 'eu-west-1' },
  vault: { token: 'hvs.1', address: 'https://vault.acme.dev' },
}
const github = { type: 'github', repositories: ['acme/web'], permissions: { contents: 'read' } }
const aws = { type: 'aws', role_arn: 'arn:aws:iam::123456789012:role/deployer' }
const vault = { type: 'vault', policies: ['ci-read'] }
/** A GitHub scope at a host. */
const at = (host: string, token: string) => ({ ...github, connection: host, host, token })

/** The variables, and for which types something was minted. */
async function equipped(scope: (AuthorizationDetail & { host?: string; token?: string })[]) {
  const minted: string[] = []
  const client = {
    credential: (_task: unknown, { type, token, host }: (typeof scope)[number]) => {
      minted.push(type)
      return Promise.resolve({
        credential: { ...credentials[type], ...(token && { token }) },
        host: host ?? null,
      })
    },
  } as unknown as Client
  const active = {
    authorization_details: scope,
    upstreams: scope.map(({ type, host }) => ({ provider: type, connection: '', host: host ?? null })),
  } as unknown as Task
  const task = { id: 'task_1', token: 'mft_1' }
  const env = await equipTools(client, task, active, new AbortController().signal)
  return { env: Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined)), minted }
}

it('several scopes at once give each tool its own', async () => {
  const { env } = await equipped([at('github.com', 'ghs_1'), aws, vault])
  expect(env).toEqual({
    GH_TOKEN: 'ghs_1',
    AWS_ACCESS_KEY_ID: 'ASIA1',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_SESSION_TOKEN: 'session',
    AWS_REGION: 'eu-west-1',
    AWS_DEFAULT_REGION: 'eu-west-1',
    VAULT_ADDR: 'https://vault.acme.dev',
    VAULT_TOKEN: 'hvs.1',
    BAO_ADDR: 'https://vault.acme.dev',
    BAO_TOKEN: 'hvs.1',
  })
})

it.each([
  ['two of one kind, of which it cannot know which', [aws, { ...aws, role_arn: `${aws.role_arn}2` }]],
  ['a secret that is no token', [{ type: 'vault', path: 'database/creds/readonly' }]],
])('a tool has nothing where the scope holds %s, and nothing is minted', async (_what, scope) => {
  expect(await equipped(scope)).toEqual({ env: {}, minted: [] })
})

describe('gh is given its token for the host that it is for, and for no other:', () => {
  it.each([
    ['github.com', { GH_TOKEN: 'ghs_1' }],
    ['acme.ghe.com', { GH_TOKEN: 'ghs_1', GH_HOST: 'acme.ghe.com' }],
    // In GH_TOKEN it would be offered to github.com.
    ['ghe.acme.dev', { GH_ENTERPRISE_TOKEN: 'ghs_1', GH_HOST: 'ghe.acme.dev' }],
  ])('%s', async (host, expected) => {
    expect((await equipped([at(host, 'ghs_1')])).env).toEqual(expected)
  })

  it('one of each kind at once', async () => {
    const { env } = await equipped([at('github.com', 'ghs_1'), at('ghe.acme.dev', 'ghs_2')])
    expect(env).toEqual({ GH_TOKEN: 'ghs_1', GH_ENTERPRISE_TOKEN: 'ghs_2' })
  })

  it('none where two would be in one variable', async () => {
    const { minted } = await equipped([at('github.com', 'ghs_1'), at('acme.ghe.com', 'ghs_2')])
    expect(minted).toEqual([])
  })
})
