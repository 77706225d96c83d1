/** A small vocabulary to write policies in, and the shortest way to compile and decide. */
import { compilePolicies, type AgentFacts, type Policies } from '../../src/policy/compile.ts'
import { decide, type Ask, type Decision, type Facts } from '../../src/policy/decide.ts'
import type { Fault } from '../../src/base/fault.ts'
import {
  contextFields,
  type AuthorizationRequest,
  type Class,
  type ClassedAction,
} from '../../src/provider/terms.ts'

/** Actions of the toy forge and their classes. */
export const forgeActions: Record<string, Class> = {
  'github.contents.read': 'read',
  'github.contents.write': 'write',
  'github.actions.write': 'deploy',
  'github.secrets.read': 'secrets',
  'github.secrets.write': 'secrets',
  'github.administration.write': 'admin',
}

/** A forge, whose actions carry the shared context. */
export const forge = {
  cedar: [
    'entity GithubOwner;',
    'entity GithubRepository in [GithubOwner];',
    ...Object.entries(forgeActions).map(
      ([action, group]) =>
        `action "${action}" in [${group}] appliesTo { principal: Agent, resource: GithubRepository, context: Context };`,
    ),
  ].join('\n'),
  entityFault: ({ type, id }: { type: string; id: string }) =>
    type === 'GithubRepository' && id !== id.toLowerCase() ? `${id} must be in lower case` : undefined,
}

/** A cloud, whose one action carries context of its own besides. */
export const cloud = {
  cedar: `type CloudContext = { ${contextFields}, aws_actions: Set<String> };
    entity AwsAccount; entity AwsRole in [AwsAccount];
    action "aws.assume_role.deploy" in [deploy]
      appliesTo { principal: Agent, resource: AwsRole, context: CloudContext };`,
}

export const bot: AgentFacts = { name: 'bot', owner: 'linus@acme.dev', environment: 'dev' }
export const agents: AgentFacts[] = [
  bot,
  { name: 'other', owner: 'linus@acme.dev', environment: 'prod' },
  { name: 'third', owner: 'data@acme.dev', environment: 'dev' },
]
const given = {
  providers: [forge, cloud],
  upstreams: [],
  agents,
  approvers: new Set(['security', 'platform', 'legal']),
}

/** What compiling these files finds wrong; a text is a file named after its position. */
export function faultsIn(...texts: string[]): Fault[] {
  return compilePolicies(
    texts.map((text, at) => ({ file: `${at}.cedar`, text })),
    given,
  ).faults
}

/** @throws Error when the policies have faults. */
export function compiled(...texts: string[]): Policies {
  const { policies, faults } = compilePolicies(
    texts.map((text, at) => ({ file: `${at}.cedar`, text })),
    given,
  )
  if (!policies) throw new Error(JSON.stringify(faults))
  return policies
}

export function facts(changed: Partial<Facts> = {}): Facts {
  return {
    agent: bot,
    principal: { issuer: 'ci', subject: 'repo:acme/web:ref:refs/heads/main', claims: {} },
    purpose: 'fix a typo',
    ttl: 900,
    approvals: [],
    depth: 0,
    request: {},
    held: [],
    ...changed,
  }
}

/** A request for an action of the forge. */
export function wants(action: string, repository = 'acme/web', implied: string[] = []): AuthorizationRequest {
  const [owner = ''] = repository.split('/')
  const classed = (name: string): ClassedAction => ({ action: name, class: forgeActions[name] ?? 'admin' })
  return {
    ...classed(action),
    resource: { type: 'GithubRepository', id: repository, parents: [{ type: 'GithubOwner', id: owner }] },
    implied: implied.map(classed),
  }
}

/** A request for the cloud's action. */
export function wantsRole(context?: Record<string, string[]>): AuthorizationRequest {
  return {
    action: 'aws.assume_role.deploy',
    class: 'deploy',
    resource: { type: 'AwsRole', id: 'deployer', parents: [{ type: 'AwsAccount', id: '123456789012' }] },
    implied: [],
    ...(context && { context }),
  }
}

export function ask(...requests: AuthorizationRequest[]): Ask {
  return { connection: 'acme', revocation: 'immediate', requests }
}

/** Decides about one detail that needs `requests`. */
export function decided(
  policies: Policies,
  requests: AuthorizationRequest | AuthorizationRequest[],
  changed: Partial<Facts> = {},
): Decision {
  return decide(policies, facts(changed), [ask(...[requests].flat())])
}

export const allowed = { outcome: 'allowed' }

/** The decision that denies one pair on acme/web. */
export function deniedBy(action: string, policies: string[], resource = 'GithubRepository::"acme/web"') {
  return { outcome: 'denied', denials: [{ action, resource, policies }] }
}

/** A permit for everything. */
export const permitAll = '@id("all") permit (principal, action, resource);'
