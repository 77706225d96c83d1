/** From policy files to what decisions are made with. */
import type { Fault } from '../base/fault.ts'
import { atOnce, inTurns, type Steps } from '../base/turns.ts'
import { breaches } from './breaches.ts'
import { examineElsewhere } from './elsewhere.ts'
import { loadPolicies, releaseWith } from './engine.ts'
import { examine, type Examined, type PolicyFile } from './examine.ts'
import { undistinguished, type Upstream } from './namesakes.ts'
import { lineOf, type ParsedPolicy } from './parse.ts'
import { attributesRead, tagsRead, toolsNamed } from './reads.ts'
import { policySchema, type PolicySchema, type Vocabulary } from './schema.ts'
import { type Governed, slice } from './slice.ts'

export type { AgentFacts } from './slice.ts'

/** What one agent's decisions are made with. */
export interface AgentPolicies {
  agent: Governed
  /** The policies that can concern the agent. */
  concerning: readonly ParsedPolicy[]
  /** The engine's names of the sets that hold them. */
  names: readonly string[]
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
  /** What each policy that says so is for, its `@description`, by its id. */
  readonly descriptions: ReadonlyMap<string, string>
  /** The actions of tools that any policy names: to policy all others are alike. */
  readonly tools: ReadonlySet<string>
}

/**
 * Compiles the policies of all files, or says everything that is wrong with
 * them. A fault's path is the policy's `@id`, or its line where it has none.
 *
 * `approvers` are the names of the admin entries that may approve.
 */
export function compilePolicies(files: readonly PolicyFile[], given: CompilerInput): Compiled {
  const schema = policySchema(given.providers)
  return atOnce(compiling(examine(schema.text, files), schema, given))
}

/** The same while requests are served: what takes long of it is done elsewhere, and the rest in turns. */
export async function compileInTurns(files: readonly PolicyFile[], given: CompilerInput): Promise<Compiled> {
  const schema = policySchema(given.providers)
  return await inTurns(compiling(await examineElsewhere(schema.text, files), schema, given))
}

interface CompilerInput {
  providers: readonly Vocabulary[]
  upstreams: readonly Upstream[]
  agents: readonly Governed[]
  approvers: ReadonlySet<string>
}

/** `written`: all that could be parsed, in order of the files, whether anybody is concerned or not. */
type Compiled = { written: readonly ParsedPolicy[] } & (
  { policies: Policies; faults: [] } | { policies?: undefined; faults: Fault[] }
)

function* compiling(
  { policies: all, unparsed, invalid }: Examined,
  schema: PolicySchema,
  given: CompilerInput,
): Steps<Compiled> {
  const breached: Fault[] = []
  for (const policy of all) {
    breached.push(...breaches(policy, given))
    yield 50
  }
  const faults = [
    ...unparsed,
    ...repeatedIds(all),
    ...breached,
    ...undistinguished(all, given.upstreams),
    ...invalid,
  ]
  if (faults.length > 0) return { written: all, faults }

  const policies: Policies = {
    schema,
    agents: yield* agentPolicies(all, given.agents),
    approvals: annotated(all, 'approval'),
    descriptions: annotated(all, 'description'),
    tools: toolsNamed(all.map(({ json }) => json)),
  }
  releaseWith(policies, [...new Set([...policies.agents.values()].flatMap(({ names }) => names))])
  return { written: all, policies, faults: [] }
}

function annotated(policies: readonly ParsedPolicy[], name: string): Map<string, string> {
  return new Map(
    policies.flatMap(({ path, json }) => {
      const text = lineOf(json.annotations?.[name] ?? '')
      return text === '' ? [] : [[path, text]]
    }),
  )
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
            ...policy.place,
            message: `the @id is already that of a policy in ${earlier.file}`,
            remedy: 'Give each policy an @id of its own.',
          },
        ]
      : []
  })
}

/** How many policies the engine is asked about at once: it answers in a millisecond or two, and loads them in twenty. */
const policiesPerSet = 200

/** Agents that the same policies concern share the engine's sets. */
function* agentPolicies(
  policies: readonly ParsedPolicy[],
  agents: readonly Governed[],
): Steps<Map<string, AgentPolicies>> {
  const loaded = new Map<string, Pick<AgentPolicies, 'names' | 'claims' | 'attributes'>>()
  const byName = new Map<string, AgentPolicies>()
  for (const agent of agents) {
    const concerning = slice(policies, agent)
    const key = JSON.stringify(concerning.map(({ path }) => path))
    const shared = loaded.get(key) ?? {
      names: yield* loadSets(concerning),
      claims: yield* union(concerning, tagsRead),
      attributes: yield* union(concerning, attributesRead),
    }
    loaded.set(key, shared)
    byName.set(agent.name, { agent, concerning, ...shared })
    yield policies.length / 5
  }
  return byName
}

/** The engine's names of sets that hold the policies between them; at least one, which may be empty. */
function* loadSets(policies: readonly ParsedPolicy[]): Steps<string[]> {
  const names: string[] = []
  do {
    const some = policies.slice(names.length * policiesPerSet, (names.length + 1) * policiesPerSet)
    names.push(loadPolicies(new Map(some.map(({ path, text }) => [path, text]))))
    yield some.length * 100
  } while (names.length * policiesPerSet < policies.length)
  return names
}

/** What any of the policies reads; `all` where one may read anything. */
function* union(
  policies: readonly ParsedPolicy[],
  readBy: (policy: ParsedPolicy['json']) => ReadonlySet<string> | 'all',
): Steps<ReadonlySet<string> | 'all'> {
  const names = new Set<string>()
  for (const { json } of policies) {
    const read = readBy(json)
    if (read === 'all') return 'all'
    for (const name of read) names.add(name)
    yield 20
  }
  return names
}
