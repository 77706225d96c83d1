/** From policy files to what decisions are made with. */
import { validate } from '@cedar-policy/cedar-wasm/nodejs'
import type { Fault } from '../fault.ts'
import { breaches } from './breaches.ts'
import { loadPolicies, releaseWith } from './engine.ts'
import { undistinguished, type Upstream } from './namesakes.ts'
import { parsePolicies, type ParsedPolicy } from './parse.ts'
import { attributesRead, tagsRead } from './reads.ts'
import { remedyFrom } from './remedy.ts'
import { policySchema, type PolicySchema, qualified, type Vocabulary } from './schema.ts'
import { slice, type AgentFacts } from './slice.ts'

export type { AgentFacts } from './slice.ts'

/** What one agent's decisions are made with. */
interface AgentPolicies {
  agent: AgentFacts
  /** The policies that can concern the agent. */
  concerning: readonly ParsedPolicy[]
  /** The engine's name of them. */
  name: string
  /** The claims that any of them reads; `all` where it cannot be told. */
  claims: ReadonlySet<string> | 'all'
  /** The attributes, of the context or an entity, that any of them reads; `all` where it cannot be told. */
  attributes: ReadonlySet<string> | 'all'
}

/**
 * Policies in force for a set of agents, immutable. The engine keeps them for as
 * long as this object is reachable: hold it, never its parts.
 */
export interface Policies {
  readonly schema: PolicySchema
  /** By the agent's name. An agent that is not here is denied everything. */
  readonly agents: ReadonlyMap<string, AgentPolicies>
  /** The group that each `@approval` forbid asks, by the policy's id. */
  readonly approvals: ReadonlyMap<string, string>
}

/**
 * Compiles the policies of all files, or says everything that is wrong with
 * them. A fault's path is the policy's `@id`, or its line where it has none.
 *
 * `approvers` are the names of the admin entries that may approve.
 */
export function compilePolicies(
  files: readonly { file: string; text: string }[],
  given: {
    providers: readonly Vocabulary[]
    upstreams: readonly Upstream[]
    agents: readonly AgentFacts[]
    approvers: ReadonlySet<string>
  },
): { policies: Policies; faults: [] } | { policies?: undefined; faults: Fault[] } {
  const schema = policySchema(given.providers)
  const parsed = files.map(({ file, text }) => parsePolicies(file, text))
  const all = parsed.flatMap(({ policies }) => policies)
  const faults = [
    ...parsed.flatMap((file) => file.faults),
    ...repeatedIds(all),
    ...all.flatMap((policy) => breaches(policy, given)),
    ...undistinguished(all, given.upstreams),
    ...invalid(all, schema),
  ]
  if (faults.length > 0) return { faults }

  const policies: Policies = {
    schema,
    agents: agentPolicies(all, given.agents),
    approvals: new Map(
      all.flatMap(({ path, json }) => {
        const group = json.annotations?.['approval']
        return group === undefined ? [] : [[path, group]]
      }),
    ),
  }
  releaseWith(policies, [...new Set([...policies.agents.values()].map(({ name }) => name))])
  return { policies, faults: [] }
}

function repeatedIds(policies: readonly ParsedPolicy[]): Fault[] {
  const first = new Map<string, ParsedPolicy>()
  return policies.flatMap((policy) => {
    if (policy.id === undefined) return []
    const earlier = first.get(policy.id)
    first.set(policy.id, earlier ?? policy)
    return earlier
      ? [
          {
            file: policy.file,
            path: policy.path,
            message: `the @id is already that of a policy in ${earlier.file}`,
            remedy: 'Give each policy an @id of its own.',
          },
        ]
      : []
  })
}

const anAction = new RegExp(`${qualified('Action')}::"[^"]*"`)

/** Cedar's own findings; its warnings too, for they are policies that do not do what they seem to. */
function invalid(policies: readonly ParsedPolicy[], schema: PolicySchema): Fault[] {
  const answer = validate({
    validationSettings: { mode: 'strict' },
    schema: schema.text,
    // By position, because an @id may yet be missing or repeated.
    policies: { staticPolicies: Object.fromEntries(policies.map(({ text }, at) => [`${at}`, text])) },
  })
  if (answer.type === 'failure') throw new Error('policies that parse alone do not parse as a set')
  const [doubt] = answer.otherWarnings
  if (doubt) throw new Error(`the policy schema is doubtful: ${doubt.message}`)
  const findings = [...answer.validationErrors, ...answer.validationWarnings]
  // The engine finds one mistake in the context of every action that the policy is about.
  const alike = Map.groupBy(findings, ({ policyId, error: { message } }) =>
    JSON.stringify([policyId, message.replace(anAction, '')]),
  )
  return [...alike.values()].map((same) => {
    // In no order: the first by its words, so that the same policy always gets the same fault.
    const { policyId, error } = same.reduce((a, b) => (b.error.message < a.error.message ? b : a))
    const policy = policies[Number(policyId)]
    if (!policy) throw new Error('the engine found fault with a policy that it was not given')
    const others = same.length > 1 ? `, and for ${same.length - 1} actions more` : ''
    return {
      file: policy.file,
      path: policy.path,
      message: error.message.replace(`for policy \`${policyId}\`, `, '') + others,
      remedy: remedyFrom(error.help, 'Correct the policy, or remove it.'),
    }
  })
}

/** Agents that the same policies concern share one set of the engine's. */
function agentPolicies(
  policies: readonly ParsedPolicy[],
  agents: readonly AgentFacts[],
): Map<string, AgentPolicies> {
  const loaded = new Map<string, Pick<AgentPolicies, 'name' | 'claims' | 'attributes'>>()
  return new Map(
    agents.map((agent) => {
      const concerning = slice(policies, agent)
      const key = JSON.stringify(concerning.map(({ path }) => path))
      const shared = loaded.get(key) ?? {
        name: loadPolicies(new Map(concerning.map(({ path, text }) => [path, text]))),
        claims: union(concerning, tagsRead),
        attributes: union(concerning, attributesRead),
      }
      loaded.set(key, shared)
      return [agent.name, { agent, concerning, ...shared }]
    }),
  )
}

/** What any of the policies reads; `all` where one may read anything. */
function union(
  policies: readonly ParsedPolicy[],
  readBy: (policy: ParsedPolicy['json']) => ReadonlySet<string> | 'all',
): ReadonlySet<string> | 'all' {
  const names = new Set<string>()
  for (const { json } of policies) {
    const read = readBy(json)
    if (read === 'all') return 'all'
    for (const name of read) names.add(name)
  }
  return names
}
