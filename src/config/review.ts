/**
 * What is valid and surely not meant: for whoever looks at a configuration with `validate`.
 * None of it keeps a broker from starting, nor does a start or a reload look for it.
 */
import { unmatchable } from '../agents/unmatchable.ts'
import type { Fault } from '../base/fault.ts'
import type { DescribedConnection } from '../leases/connections.ts'
import { type ParsedPolicy, placeIn } from '../policy/parse.ts'
import { pointless, unpermitted } from '../policy/pointless.ts'
import type { Provider } from '../provider/contract.ts'
import type { KnownIssuers, Sketch, WrittenAgent } from './agents.ts'
import { type Loading, warn } from './loading.ts'
import { placeholdersIn, placeholdersOf } from './placeholders.ts'
import { asUpstream } from './policies.ts'
import type { Settings } from './read.ts'

interface Reviewed {
  settings: Settings
  /** By name. */
  issuers: KnownIssuers
  providers: readonly Provider[]
  /** Those without faults. */
  connections: readonly DescribedConnection[]
  agents: readonly WrittenAgent[]
  sketches: readonly Sketch[]
  policies: readonly ParsedPolicy[]
}

export function reviewRules(reviewed: Reviewed, loading: Loading): void {
  reviewEmptiness(reviewed, loading)
  loading.faults.push(
    ...reviewRulesOfAgents(reviewed),
    ...reviewAgents(reviewed),
    ...reviewPolicies(reviewed),
    ...placeholdersIn([loading.file, ...reviewed.sketches.map(({ file }) => file)]),
    ...placeholdersOf(reviewed.policies),
  )
}

function reviewEmptiness({ settings, sketches, policies }: Reviewed, loading: Loading): void {
  const unread = (key: string) =>
    loading.faults.some(
      ({ file, path, warning }) => !warning && (file === loading.file ? path === key : path === ''),
    )
  const isFaulty = loading.faults.some(({ file, warning }) => !warning && file.endsWith('.cedar'))
  if (policies.length === 0 && !isFaulty && !unread('policies'))
    warn(
      loading,
      ['policies'],
      'holds no policy: everything is denied',
      'Write one into it, as policies/NAME.cedar.',
    )
  if (sketches.length === 0 && !unread('agents'))
    warn(
      loading,
      ['agents'],
      'holds no agent: every identity is refused',
      'Write one into it, as agents/NAME.yaml.',
    )
  if (settings.issuers && Object.keys(settings.issuers).length === 0)
    warn(loading, ['issuers'], 'names nobody: every token is refused', 'Name the issuer of your workloads.')
  if (settings.providers && Object.values(settings.providers).flat().length === 0)
    warn(loading, ['providers'], 'has no connection: there is nothing to ask for', 'Name an upstream.')
}

function reviewRulesOfAgents({ agents, issuers }: Reviewed): Fault[] {
  return agents.flatMap(({ agent, file }) =>
    agent.match.flatMap((rule, index): Fault[] => {
      const issuer = issuers.get(rule.issuer)
      const found = issuer && unmatchable(rule, issuer)
      return found ? [{ file, path: `match[${index}].subject`, ...found, warning: true }] : []
    }),
  )
}

function reviewAgents({ agents, policies }: Reviewed): Fault[] {
  // That there are no policies at all is said once.
  if (policies.length === 0) return []
  const byName = new Map(agents.map((written) => [written.agent.name, written]))
  return unpermitted(
    policies,
    agents.map(({ agent }) => agent),
  ).map(({ name }) => ({
    file: byName.get(name)!.file,
    path: 'name',
    message: `no policy permits ${name} anything`,
    remedy: `Permit what it needs in a policy about Mayfly::Agent::${JSON.stringify(name)}.`,
    warning: true as const,
  }))
}

function reviewPolicies({ settings, providers, connections, sketches, policies }: Reviewed): Fault[] {
  const written = settings.providers ?? {}
  const whole = providers.filter(
    ({ type }) =>
      settings.providers &&
      (written[type]?.length ?? 0) === connections.filter(({ provider }) => provider.type === type).length,
  )
  const found = pointless(policies, {
    agents: sketches.every(({ name }) => name !== undefined) ? sketches : undefined,
    upstreams: connections.filter(({ retired }) => !retired).map(asUpstream),
    vocabularies: whole,
  })
  return found.map(({ policy, at, message, remedy }) => ({
    file: policy.file,
    path: policy.path,
    ...placeIn(policy, at),
    message,
    remedy,
    warning: true as const,
  }))
}
