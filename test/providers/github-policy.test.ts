import { isAuthorized, validate, type EntityJson } from '@cedar-policy/cedar-wasm/nodejs'
import { expect, test } from 'vitest'
import { github } from '../../providers/github.ts'
import { type GithubDetail } from '../../providers/github/detail.ts'
import { actionOf, askable } from '../../providers/github/permissions.ts'
import { requests as requestsOn } from '../../providers/github/requests.ts'
import { schemaWith } from '../support/cedar-fragment.ts'

const schema = schemaWith(github.cedar)
const requests = (detail: GithubDetail) => requestsOn(detail, 'github.com')

const parse = (permissions: object, repositories = ['acme/web']) =>
  github.detail.parse({ type: 'github', repositories, permissions })
const classOf = (permissions: object) => requests(parse(permissions)).map((request) => request.class)

test.each([
  ['secrets', { secrets: 'read' }],
  ['secrets', { secrets: 'write' }],
  ['secrets', { dependabot_secrets: 'read' }],
  ['secrets', { organization_secrets: 'write' }],
  ['secrets', { secret_scanning_alerts: 'read' }],
  ['admin', { repository_projects: 'admin' }],
  ['admin', { organization_projects: 'admin' }],
  ['admin', { administration: 'write' }],
  ['admin', { repository_hooks: 'write' }],
  ['admin', { organization_hooks: 'write' }],
  ['admin', { members: 'write' }],
  ['admin', { organization_self_hosted_runners: 'write' }],
  ['admin', { attestations: 'write' }],
  ['admin', { repository_custom_properties: 'write' }],
  ['admin', { custom_properties_for_organizations: 'write' }],
  ['admin', { organization_custom_properties: 'write' }],
  ['deploy', { actions: 'write' }],
  ['deploy', { workflows: 'write' }],
  ['deploy', { deployments: 'write' }],
  ['deploy', { environments: 'write' }],
  ['deploy', { packages: 'write' }],
  ['deploy', { pages: 'write' }],
  ['deploy', { codespaces: 'write' }],
  ['deploy', { merge_queues: 'write' }],
  ['deploy', { checks: 'write' }],
  ['deploy', { statuses: 'write' }],
  ['deploy', { security_events: 'write' }],
  ['deploy', { code_quality: 'write' }],
  ['deploy', { artifact_metadata: 'write' }],
  ['write', { contents: 'write' }],
  ['write', { pull_requests: 'write' }],
  ['read', { administration: 'read' }],
  ['read', { codespaces: 'read' }],
  ['read', { statuses: 'read' }],
  ['read', { repository_custom_properties: 'read' }],
  ['read', { actions: 'read' }],
  ['read', { members: 'read' }],
  ['read', { repository_hooks: 'read' }],
])('the class is %s for %j', (group, permissions) => {
  expect(classOf(permissions)).toEqual([group])
})

test('at write, only what was looked at and is no more than writing is `write`', () => {
  const writes = askable.filter(
    ({ name, levels }) => levels.includes('write') && actionOf(name, 'write').class === 'write',
  )
  expect(writes.map(({ name }) => name)).toEqual([
    'contents',
    'discussions',
    'issues',
    'metadata',
    'pull_requests',
    'repository_projects',
    'single_file',
    'vulnerability_alerts',
  ])
})

test('a repository permission is asked on each repository, in its owner', () => {
  const owner = { type: 'GithubOwner', id: 'acme' }
  const host = { type: 'GithubHost', id: 'github.com' }
  expect(requests(parse({ contents: 'write' }, ['acme/web', 'acme/docs']))).toEqual(
    ['acme/docs', 'acme/web'].map((id) => ({
      action: 'github.contents.write',
      class: 'write',
      implied: [{ action: 'github.contents.read', class: 'read' }],
      resource: { type: 'GithubRepository', id, parents: [owner, host] },
    })),
  )
})

test('an organization permission is asked once, on the owner', () => {
  expect(requests(parse({ members: 'read' }, ['acme/web', 'acme/docs']))).toEqual([
    {
      action: 'github.members.read',
      class: 'read',
      implied: [],
      resource: { type: 'GithubOwner', id: 'acme', parents: [{ type: 'GithubHost', id: 'github.com' }] },
    },
  ])
})

test('a level implies the lower ones that exist, and no others', () => {
  const implied = (permissions: object) =>
    requests(parse(permissions))[0]?.implied.map(({ action }) => action)
  expect(implied({ repository_projects: 'admin' })).toEqual([
    'github.repository_projects.read',
    'github.repository_projects.write',
  ])
  expect(implied({ workflows: 'write' })).toEqual([])
})

test('a policy on a class and an owner decides over a repository', () => {
  const policies = `@id("p") permit (principal == Mayfly::Agent::"bot", action in [Mayfly::Action::"read", Mayfly::Action::"write"],
    resource in Mayfly::GithubOwner::"acme") when { context.ttl <= 900 };`
  const checked = validate({ schema, policies: { staticPolicies: policies } })
  expect(checked).toMatchObject({ type: 'success', validationErrors: [], validationWarnings: [] })
  const decide = (permissions: object) =>
    requests(parse(permissions)).map((asked) => decision(policies, asked))
  expect(decide({ contents: 'write' })).toEqual(['allow'])
  expect(decide({ contents: 'write', workflows: 'write' })).toEqual(['allow', 'deny'])
})

test('an action is not accepted on a resource that it is not for', () => {
  const misplaced =
    '@id("p") permit (principal, action == Mayfly::Action::"github.members.read", resource is Mayfly::GithubRepository);'
  const checked = validate({ schema, policies: { staticPolicies: misplaced } })
  expect(checked).toMatchObject({ type: 'success' })
  if (checked.type === 'success') {
    expect([...checked.validationErrors, ...checked.validationWarnings]).not.toEqual([])
  }
})

function decision(policies: string, asked: ReturnType<typeof requests>[number]) {
  const entity = (type: string, id: string, parents: { type: string; id: string }[] = []): EntityJson => ({
    uid: { type: `Mayfly::${type}`, id },
    attrs: type === 'Agent' ? { issuer: 'ci', subject: 'bot' } : {},
    parents: parents.map((parent) => ({ type: `Mayfly::${parent.type}`, id: parent.id })),
  })
  const { resource } = asked
  const answer = isAuthorized({
    schema,
    validateRequest: true,
    principal: { type: 'Mayfly::Agent', id: 'bot' },
    action: { type: 'Mayfly::Action', id: asked.action },
    resource: { type: `Mayfly::${resource.type}`, id: resource.id },
    context: {
      connection: 'acme',
      purpose: 'test',
      ttl: 900,
      environment: 'dev',
      class: asked.class,
      revocation: 'immediate',
      approvals: [],
      depth: 0,
      request: { __entity: { type: 'Mayfly::Request', id: 'r' } },
      held: [],
    },
    policies: { staticPolicies: policies },
    entities: [
      entity('Agent', 'bot'),
      entity('Request', 'r'),
      entity(resource.type, resource.id, resource.parents),
      ...resource.parents.map(({ type, id }) => entity(type, id)),
    ],
  })
  if (answer.type === 'failure') throw new Error(JSON.stringify(answer.errors))
  return answer.response.decision
}
