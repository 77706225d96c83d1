/** Things of one name at two upstreams: policy tells them apart, or says that it means both. */
import { generateKeyPairSync } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { providers } from '../../providers/catalog.ts'
import { load, onlyFault, settings } from '../support/installation.ts'

const pem = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({
  type: 'pkcs8',
  format: 'pem',
})
const github = (name: string, api?: string, owners = ['acme']) => ({
  name,
  ...(api && { api }),
  app_id: 1,
  private_key: { file: './app.pem' },
  owners,
})
const vault = (name: string, address: string, namespace?: string) => ({
  name,
  address,
  ...(namespace && { namespace }),
  auth: { jwt: { mount: 'jwt', role: 'mayfly' } },
  paths: [{ path: 'database/creds/readonly', class: 'read', policies: ['db'] }],
  policies: [{ name: 'ci-read', class: 'read' }],
})

const two = {
  github: { github: [github('public'), github('own', 'https://ghe.acme.dev/api/v3')] },
  vault: { vault: [vault('east', 'https://east.acme.dev'), vault('west', 'https://west.acme.dev')] },
  namespaces: {
    vault: [vault('a', 'https://vault.acme.dev', 'a'), vault('b', 'https://vault.acme.dev', 'b')],
  },
}

const withPolicy = (given: object, policy: string) =>
  load(
    {
      'mayfly.yaml': { ...settings, providers: given },
      'app.pem': pem,
      'policies/none.cedar': undefined,
      'policies/p.cedar': policy,
    },
    { providers: [...providers] },
  )

const permit = (rest: string) => `@id("p") permit (principal, ${rest};`

describe('a permit that gives both is a fault', () => {
  it.each([
    ['everything', two.github, 'action, resource)'],
    ['a class', two.github, 'action in Mayfly::Action::"read", resource)'],
    ['an owner', two.github, 'action, resource in Mayfly::GithubOwner::"acme")'],
    ['a repository', two.github, 'action, resource == Mayfly::GithubRepository::"acme/web")'],
    ['a path of Vault', two.vault, 'action, resource == Mayfly::VaultPath::"database/creds/readonly")'],
    ['a mount of Vault', two.vault, 'action, resource in Mayfly::VaultMount::"database")'],
    ['a policy of Vault', two.vault, 'action, resource == Mayfly::VaultPolicy::"ci-read")'],
    [
      'a path in two namespaces',
      two.namespaces,
      'action, resource == Mayfly::VaultPath::"database/creds/readonly")',
    ],
  ])('%s', async (_what, given, rest) => {
    expect(onlyFault(await withPolicy(given, permit(rest)))).toMatchObject({
      path: 'p',
      message: expect.stringContaining('different upstreams'),
      remedy: expect.stringContaining('context.connection'),
    })
  })
})

describe('a permit is none', () => {
  it.each([
    ['that names the connection', two.github, 'action, resource) when { context.connection == "public" }'],
    [
      'that names both',
      two.github,
      'action, resource) when { ["public", "own"].contains(context.connection) }',
    ],
    ['that names the host', two.github, 'action, resource in Mayfly::GithubHost::"ghe.acme.dev")'],
    ['that names the server', two.vault, 'action, resource in Mayfly::VaultServer::"east.acme.dev")'],
    ['for another owner', two.github, 'action, resource in Mayfly::GithubOwner::"evil")'],
    ['for another provider', two.github, 'action == Mayfly::Action::"vault.read.read", resource)'],
    [
      'where one upstream has two connections',
      { github: [github('one'), github('two')] },
      'action, resource == Mayfly::GithubRepository::"acme/web")',
    ],
    [
      'where the owners differ',
      { github: [github('one'), github('two', 'https://ghe.acme.dev/api/v3', ['other'])] },
      'action, resource)',
    ],
  ])('%s', async (_what, given, rest) => {
    expect((await withPolicy(given, permit(rest))).faults).toEqual([])
  })

  it('where a forbid for everybody keeps one of the two out', async () => {
    const policy = `${permit('action, resource)')}
      @id("not-own") forbid (principal, action, resource in Mayfly::GithubHost::"ghe.acme.dev");`
    expect((await withPolicy(two.github, policy)).faults).toEqual([])
  })
})
