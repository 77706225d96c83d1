import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import type { AuthorizationDetail, Client, Task } from '../../src/client/client.ts'
import { KeptCredentials } from '../../src/client/kept.ts'
import { equipTools } from '../../src/client/run/tools.ts'
import { manualClock } from '../support/clock.ts'

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

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mayfly-tools-test-'))
  mkdirSync(join(directory, 'gh'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
})

/** What the tools find, where credentials live for `life` seconds and the task for an hour, and for what something was minted. */
async function equipped(
  scope: (AuthorizationDetail & { host?: string; token?: string; namespace?: string })[],
  life = 3600,
  refused: string[] = [],
) {
  const clock = manualClock()
  const minted: string[] = []
  const client = {
    credential: (_task: unknown, { type, token, namespace }: (typeof scope)[number]) => {
      if (refused.includes(type)) return Promise.reject(new Error(`no ${type}`))
      minted.push(type)
      const created_at = new Date(clock.now()).toISOString()
      const end = new Date(clock.now() + life * 1000).toISOString()
      return Promise.resolve({
        lease: { id: `lease_${minted.length}`, created_at, deadline: end, upstream_expires_at: end },
        credential: { ...credentials[type], ...(token && { token }), ...(namespace && { namespace }) },
      })
    },
    giveBack: () => Promise.resolve({ status: 'revoked' }),
  } as unknown as Client
  const active = {
    authorization_details: scope,
    upstreams: scope.map(({ type, host }) => ({ provider: type, connection: '', host: host ?? null })),
  } as unknown as Task
  const task = { id: 'task_1', token: 'mft_1' }
  const kept = new KeptCredentials({ client, task, clock, ends: clock.now() + 3_600_000 })
  const { signal } = new AbortController()
  const tools = await equipTools(active, {
    kept,
    directory,
    ghFolder: join(directory, 'gh'),
    program: ['/opt/mayfly'],
    secrets: false,
    scopeText: ({ type, role_arn, policies }) => `${type}:${String(role_arn ?? policies)}`,
    signal,
  })
  onTestFinished(() => tools[Symbol.dispose]())
  const env = Object.fromEntries(Object.entries(tools.env).filter(([, value]) => value !== undefined))
  return { env, minted, choices: tools.choices, tools, clock }
}
const read = (...path: string[]) => readFileSync(join(directory, ...path), 'utf8')

it('several scopes at once give each tool its own', async () => {
  const { env } = await equipped([at('github.com', 'ghs_1'), aws, vault])
  expect(env).toEqual({
    GH_TOKEN: 'ghs_1',
    AWS_CONTAINER_CREDENTIALS_FULL_URI: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/credentials$/),
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: join(directory, 'aws/authorization'),
    AWS_CONFIG_FILE: join(directory, 'aws/config'),
    AWS_REGION: 'eu-west-1',
    AWS_DEFAULT_REGION: 'eu-west-1',
    VAULT_ADDR: 'https://vault.acme.dev',
    VAULT_TOKEN: 'hvs.1',
    BAO_ADDR: 'https://vault.acme.dev',
    BAO_TOKEN: 'hvs.1',
  })
})

it('where a later tool gets nothing, what an earlier one asks is closed: it would keep the run from ending', async () => {
  const listening = () => process.getActiveResourcesInfo().filter((what) => what === 'TCPServerWrap').length
  // Those of other tests take a moment to close.
  await expect.poll(listening).toBe(0)
  await expect(equipped([aws, vault], 3600, ['vault'])).rejects.toThrow('no vault')
  await expect.poll(listening).toBe(0)
})

it('a secret that is for no tool is not minted', async () => {
  expect(await equipped([{ type: 'vault', path: 'database/creds/readonly' }])).toMatchObject({
    env: {},
    minted: [],
  })
})

it('no file that a tool finds can be read by another user', async () => {
  await equipped([at('github.com', 'ghs_1'), aws, vault], 20)
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
    const { mode } = statSync(join(directory, name))
    if (/hosts\.yml|authorization|config$/.test(name))
      expect(`${name} ${(mode & 0o077).toString(8)}`).toBe(`${name} 0`)
  }
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

  it('each in the file, where two would be in one variable', async () => {
    const { env } = await equipped([at('github.com', 'ghs_1'), at('acme.ghe.com', 'ghs_2')])
    expect(env).toEqual({})
    expect(read('gh/hosts.yml')).toMatch(
      /^github\.com:\n {4}oauth_token: ghs_1\n[^]*^acme\.ghe\.com:\n {4}oauth_token: ghs_2\n/m,
    )
  })
})

describe('what ends before the task is in no variable, where it would go stale:', () => {
  it('gh reads it in a file, which is written anew in time', async () => {
    const { env, clock } = await equipped([at('github.com', 'ghs_1')], 20)
    expect(env).toEqual({})
    expect(read('gh/hosts.yml')).toContain('oauth_token: ghs_1\n')
    rmSync(join(directory, 'gh/hosts.yml'))
    await clock.advance(15_000)
    await expect.poll(() => read('gh/hosts.yml')).toContain('oauth_token: ghs_1\n')
  })

  it('vault asks a helper, which asks the run', async () => {
    const { env } = await equipped([{ ...vault, namespace: 'team-a' }], 20)
    expect(env).toEqual({
      VAULT_ADDR: 'https://vault.acme.dev',
      VAULT_NAMESPACE: 'team-a',
      BAO_ADDR: 'https://vault.acme.dev',
      BAO_NAMESPACE: 'team-a',
    })
    expect(read('vault-token')).toContain("'/opt/mayfly' 'token' '--scope' 'vault:ci-read'")
  })
})

describe('of several for one tool the first is the default, and it is said how another is used:', () => {
  it('aws has a profile for each', async () => {
    const reader = { ...aws, role_arn: 'arn:aws:iam::123456789012:role/teams/web/reader' }
    const other = { ...aws, role_arn: 'arn:aws:iam::210987654321:role/deployer' }
    const narrow = { ...aws, actions: ['s3:GetObject'], resources: ['*'] }
    const { choices, minted } = await equipped([aws, reader, other, narrow])
    expect(minted).toEqual(['aws'])
    expect(choices).toEqual([
      {
        tool: 'aws',
        items: [
          { detail: aws, use: { profile: 'deployer' } },
          { detail: reader, use: { profile: 'reader' } },
          { detail: other, use: { profile: '210987654321-deployer' } },
          { detail: narrow, use: { profile: '123456789012-deployer' } },
        ],
      },
    ])
    expect(read('aws/config')).toContain(
      `[profile reader]\ncredential_process = /opt/mayfly aws-credentials --scope aws:${reader.role_arn}\n`,
    )
  })

  it('gh and vault have a variable', async () => {
    const [acme, beta] = [
      at('github.com', 'ghs_1'),
      { ...at('github.com', 'ghs_2'), repositories: ['beta/app'] },
    ]
    const other = { ...vault, policies: ['ci-write'] }
    const { env, choices, minted } = await equipped([acme, vault, beta, other])
    expect(minted).toEqual(['github', 'vault'])
    expect(env).toMatchObject({ GH_TOKEN: 'ghs_1', VAULT_TOKEN: 'hvs.1' })
    expect(choices).toEqual([
      { tool: 'gh', items: [acme, beta].map((detail) => ({ detail, use: { variable: 'GH_TOKEN' } })) },
      {
        tool: 'vault',
        items: [vault, other].map((detail) => ({ detail, use: { variable: 'VAULT_TOKEN' } })),
      },
    ])
  })
})

describe('the endpoint of aws', () => {
  let ask: (
    authorization?: string,
    path?: string,
    method?: string,
  ) => Promise<{ status: number; body: unknown }>
  beforeEach(async () => {
    const { env } = await equipped([aws], 600)
    const uri = env['AWS_CONTAINER_CREDENTIALS_FULL_URI']!
    const secret = read('aws/authorization')
    ask = async (authorization, path = '', method = 'GET') => {
      const headers = { Authorization: (authorization ?? '').replace('SECRET', secret) }
      const answer = await fetch(uri + path, { method, ...(authorization && { headers }) })
      return { status: answer.status, body: await answer.json() }
    }
  })

  it('answers as the container provider reads it', async () => {
    expect(await ask('SECRET')).toEqual({
      status: 200,
      body: {
        AccessKeyId: 'ASIA1',
        SecretAccessKey: 'secret',
        Token: 'session',
        Expiration: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      },
    })
  })

  it.each([
    ['no authorization', undefined],
    ['another', 'another'],
    ['more than it', 'Bearer SECRET'],
  ])('answers nobody with %s', async (_what, authorization) => {
    const body = { code: 'invalid_token', message: expect.any(String) }
    expect(await ask(authorization)).toEqual({ status: 401, body })
  })

  it('has nothing at another path, and takes no other method', async () => {
    expect((await ask('SECRET', '/more')).status).toBe(404)
    expect((await ask('SECRET', '', 'POST')).status).toBe(404)
  })
})
