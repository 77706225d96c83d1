/** Who may write a repository becomes every agent that its jobs match. */
import { generateKeyPairSync } from 'node:crypto'
import { expect, test } from 'vitest'
import { providers } from '../../providers/catalog.ts'
import { github } from '../../providers/github.ts'
import { agentFile } from '../../src/agents/agent.ts'
import { chainsOf, wayOf } from '../../src/config/chains.ts'
import { raises } from '../../src/policy/chains.ts'
import type { Policies } from '../../src/policy/compile.ts'
import { parsePolicies } from '../../src/policy/parse.ts'
import { load, settings } from '../support/installation.ts'

const pem = generateKeyPairSync('rsa', { modulusLength: 2048 })
  .privateKey.export({ type: 'pkcs1', format: 'pem' })
  .toString()
const connection = { name: 'acme', app_id: 1, private_key: { file: './app.pem' }, owners: ['acme'] }
const role = (name: string, group: string) => ({
  arn: `arn:aws:iam::123456789012:role/${name}`,
  class: group,
})
const aws = [
  { name: 'prod', region: 'eu-west-1', roles: [role('deployer', 'deploy'), role('vaults', 'secrets')] },
]

function agent(name: string, match: object, issuer = 'github-actions') {
  return {
    name,
    owner: 'ada@acme.example',
    purpose: 'A test',
    environment: 'dev',
    review_by: '2099-12-31',
    max_ttl: 900,
    match: [{ issuer, ...match }],
  }
}
const bot = agent('bot', { subject: 'repo:acme/bot:ref:refs/heads/main' })
const deploysFromWeb = { subject: 'repo:acme/web:ref:refs/heads/main' }
const writes = (where: string) =>
  `@id("writes-${where.replaceAll('"', '')}") permit (principal == Mayfly::Agent::"bot", action in [Mayfly::Action::"read", Mayfly::Action::"write"], ${where});`
const writesWeb = writes('resource == Mayfly::GithubRepository::"acme/web"')
const deploys =
  '@id("deploys") permit (principal == Mayfly::Agent::"deployer", action in [Mayfly::Action::"deploy", Mayfly::Action::"secrets"], resource is Mayfly::AwsRole);'

async function found(agents: object[], policies: string, changes: object = {}) {
  const { configuration, faults } = await load(
    {
      'mayfly.yaml': { ...settings, providers: { github: [connection], aws }, ...changes },
      'app.pem': pem,
      'agents/refactor-bot.yaml': undefined,
      ...Object.fromEntries(agents.map((each, at) => [`agents/${at}.yaml`, each])),
      'policies/p.cedar': policies,
    },
    { providers: [...providers] },
  )
  if (!configuration) throw new Error(JSON.stringify(faults))
  return chainsOf(configuration)
}
const told = async (...asked: Parameters<typeof found>) =>
  (await found(...asked)).map((chain) => `${wayOf(chain)} → ${chain.gains.join(', ')}`)

test.each([
  ['a claim', { claims: { repository: ['acme/api', 'acme/we*'] } }],
  ['the subject', { claims: { sub: ['repo:acme/api:*', 'repo:acme/we*:*'] } }],
])('one alternative of %s that names no repository in full is a way too', async (_what, match) => {
  expect(await told([bot, agent('deployer', match)], writesWeb + deploys)).toEqual([
    expect.stringContaining('deploy, secrets'),
  ])
})

test('a repository that an agent may write is a way to what its jobs are', async () => {
  expect(await found([bot, agent('deployer', deploysFromWeb)], writesWeb + deploys)).toEqual([
    {
      agents: ['bot', 'deployer'],
      through: ['acme/web'],
      by: ['github.contents.write', 'github.single_file.write'],
      gains: ['deploy', 'secrets'],
      raises: true,
      approvals: [],
    },
  ])
})

test.each([
  ['by name', { subject: 'repo:acme/web:environment:production' }],
  ['by the new subject, with ids', { subject: 'repo:acme@12/web@34:ref:refs/heads/main' }],
  ['by a branch of any depth', { subject: 'repo:acme/web:ref:refs/heads/**' }],
  ['by a claim, in whatever case', { claims: { repository: 'Acme/Web' } }],
  ['by one of several', { claims: { repository: ['acme/api', 'acme/web'] } }],
  ['by its owner', { claims: { repository_owner: 'acme' } }],
  ['by an id alone, which tells no name', { claims: { repository_id: '123' } }],
  ['by every repository of the owner', { subject: 'repo:acme/*:pull_request' }],
  [
    'by a subject that begins with another claim',
    { subject: 'repository_owner_id:7:environment:production' },
  ],
])('whose rules name it %s', async (_, match) => {
  expect(await told([bot, agent('deployer', match)], writesWeb + deploys)).toEqual([
    'bot → acme/web → deployer → deploy, secrets',
  ])
})

test.each([
  ['another repository', { subject: 'repo:acme/api:ref:refs/heads/main' }],
  ['another owner', { claims: { repository_owner: 'other' } }],
  ['another with a name that begins alike', { subject: 'repo:acme/web2:ref:refs/heads/main' }],
  ['no repository, but people', { claims: { groups: 'deployers' }, issuer: 'okta' }],
])('but not of %s', async (_, match) => {
  expect(await told([bot, agent('deployer', match)], writesWeb + deploys)).toEqual([])
})

test('nor where the tokens are those of another host', async () => {
  const github = [{ ...connection, api: 'https://ghes.acme.dev/api/v3' }]
  expect(
    await told([bot, agent('deployer', deploysFromWeb)], writesWeb + deploys, { providers: { github, aws } }),
  ).toEqual([])
})

test('an agent that may write all of an owner may write what nobody names', async () => {
  const all = writes('resource in Mayfly::GithubOwner::"acme"')
  expect(
    await told([bot, agent('deployer', { claims: { repository_owner: 'acme' } })], all + deploys),
  ).toEqual(['bot → acme/bot → deployer → deploy, secrets'])
  expect(
    await told(
      [
        agent('bot', { claims: { groups: 'bots' } }, 'okta'),
        agent('deployer', { claims: { repository_owner: 'acme' } }),
      ],
      all + deploys,
    ),
  ).toEqual(['bot → acme/* → deployer → deploy, secrets'])
})

test.each([
  'contents',
  'workflows',
  'actions',
  'environments',
  'repository_custom_properties',
  'administration',
])('to write %s is enough', async (permission) => {
  const permit = `@id("one") permit (principal == Mayfly::Agent::"bot", action == Mayfly::Action::"github.${permission}.write", resource == Mayfly::GithubRepository::"acme/web");`
  expect(await found([bot, agent('deployer', deploysFromWeb)], permit + deploys)).toMatchObject([
    { by: [`github.${permission}.write`] },
  ])
})

test.each([
  'custom_properties_for_organizations.write',
  'organization_custom_properties.write',
  'organization_custom_properties.admin',
  'organization_self_hosted_runners.write',
])('%s in the organization is a way to all of its repositories', async (action) => {
  const permit = `@id("one") permit (principal == Mayfly::Agent::"bot", action == Mayfly::Action::"github.${action}", resource == Mayfly::GithubOwner::"acme");`
  expect(await told([bot, agent('deployer', deploysFromWeb)], permit + deploys)).toEqual([
    'bot → acme/web → deployer → deploy, secrets',
  ])
})

test('to read it, or to write issues in it, is not', async () => {
  const permit = (action: string) =>
    `@id("one") permit (principal == Mayfly::Agent::"bot", action == Mayfly::Action::"${action}", resource == Mayfly::GithubRepository::"acme/web");`
  for (const action of ['github.contents.read', 'github.issues.write'])
    expect(await told([bot, agent('deployer', deploysFromWeb)], permit(action) + deploys)).toEqual([])
})

test('what is forbidden whatever else holds is no way; what needs a yes says whose', async () => {
  const forbid = (rest: string) =>
    `@id("f") ${rest.startsWith('unless') ? '@approval("security") ' : ''}forbid (principal, action in Mayfly::Action::"write", resource == Mayfly::GithubRepository::"acme/web") ${rest};`
  const both = [bot, agent('deployer', deploysFromWeb)]
  expect(await told(both, writesWeb + deploys + forbid(''))).toEqual([])
  expect(await told(both, writesWeb + deploys + forbid('when { context.ttl > 60 }'))).toHaveLength(1)
  expect(
    await found(both, writesWeb + deploys + forbid('unless { context.approvals.contains("security") }')),
  ).toMatchObject([{ agents: ['bot', 'deployer'], approvals: ['security'] }])
})

test('a chain goes on through what the agents on the way may write', async () => {
  const middle = agent('middle', { subject: 'repo:acme/web:ref:refs/heads/main' })
  const deployer = agent('deployer', { subject: 'repo:acme/infra:ref:refs/heads/main' })
  const middleWrites =
    '@id("m") permit (principal == Mayfly::Agent::"middle", action in Mayfly::Action::"write", resource == Mayfly::GithubRepository::"acme/infra");'
  expect(await told([bot, deployer, middle], writesWeb + middleWrites + deploys)).toEqual([
    'bot → acme/web → middle → ',
    'bot → acme/web → middle → acme/infra → deployer → deploy, secrets',
    'middle → acme/infra → deployer → deploy, secrets',
  ])
})

test('a chain to what an agent has itself raises nothing', async () => {
  const own = deploys.replace('"deployer"', '"bot"').replace('deploys', 'bot-deploys')
  expect(await found([bot, agent('deployer', deploysFromWeb)], writesWeb + deploys + own)).toMatchObject([
    { gains: [], raises: false },
  ])
})

test('thousands of agents are not compared pair by pair', () => {
  const many = Array.from({ length: 2000 }, (_, n) =>
    agentFile.parse(agent(`a${n}`, { subject: `repo:acme/r${n}:ref:refs/heads/main` })),
  )
  const permit = (n: number) =>
    `@id("p${n}") permit (principal == Mayfly::Agent::"a${n}", action, resource == Mayfly::GithubRepository::"acme/r${(n + 1) % 2000}");`
  const { policies } = parsePolicies('p.cedar', many.map((_, n) => permit(n)).join('\n'))
  const byAgent = many.map(({ name }, n) => {
    const [concerning, names] = [[policies.find(({ id }) => id === `p${n}`)!], [name]]
    return [name, { concerning, names }] as const
  })
  const found = raises({
    agents: many,
    policies: { agents: new Map(byAgent) } as unknown as Policies,
    upstreams: [
      {
        vocabulary: github,
        type: 'github',
        connection: 'acme',
        upstream: 'https://api.github.com',
        host: 'github.com',
        resources: [{ type: 'GithubOwner', id: 'acme', parents: [], actions: github.workloads!.actions }],
      },
    ],
    issuers: new Map([
      ['github-actions', { url: 'https://token.actions.githubusercontent.com', platform: 'GitHub Actions' }],
    ]),
  })
  // All may do the same, each somewhere else: nobody gains a class.
  expect(found).toEqual([])
}, 20_000)
