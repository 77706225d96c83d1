/**
 * Chained trust: an agent that may write a repository becomes every agent whose
 * rules the repository's jobs match, and has what that one has. Computed from the
 * configuration alone, and erring towards yes: of a condition that a policy or a
 * rule makes, only what it plainly says of the resource is looked at (docs/decisions/0026).
 */
import type { Agent } from '../agents/agent.ts'
import { type MatchRule, requirements } from '../agents/match.ts'
import { compilePattern, overlap, type Pattern } from '../agents/pattern.ts'
import type { Workloads } from '../provider/contract.ts'
import { type Class, classes, type Entity, type Resource } from '../provider/terms.ts'
import { actsBy, isAbout, same } from './about.ts'
import type { Policies } from './compile.ts'
import type { Upstream } from './namesakes.ts'
import type { ParsedPolicy } from './parse.ts'
import { entitiesNamed } from './reads.ts'
import { unqualified, type Vocabulary } from './schema.ts'

/** What an agent comes by when its credentials are used to become others. */
export interface Chain {
  /** From the agent that begins to the one that it becomes; each by way of the resource between. */
  agents: string[]
  /** `acme/web`, or `acme/*` for every other of an owner: one fewer than the agents. */
  through: string[]
  /** The actions by which the first step is taken. */
  by: string[]
  /** Classes that the last may have and the first may not, from the least to the most. */
  gains: Class[]
  /** Whether the most that the last may have is more than the most that the first may. */
  raises: boolean
  /** Groups whose yes a step needs, sorted. */
  approvals: string[]
}

interface Given {
  agents: Iterable<Agent>
  policies: Policies
  upstreams: readonly Upstream[]
  /** By configured name. */
  issuers: ReadonlyMap<string, { url: string; platform: string | undefined }>
}

/** One agent becomes another by way of one resource. */
interface Step {
  to: string
  through: string
  by: string[]
  approvals: string[]
}

/** For each agent and each that it can become, the shortest way; one without approvals where there is one. */
export function chains(given: Given): Chain[] {
  const agents = [...given.agents]
  const steps = stepsOf(given, agents)
  const held = new Map(agents.map(({ name }) => [name, classesOf(given, name)]))
  return agents.flatMap(({ name }) => {
    const free = reachable(name, (from) =>
      (steps.get(from) ?? []).filter((step) => step.approvals.length === 0),
    )
    const all = reachable(name, (from) => steps.get(from) ?? [])
    return [...new Map([...all, ...free])].map(([to, way]) =>
      chainOf(name, way, held.get(name) ?? new Set(), held.get(to) ?? new Set()),
    )
  })
}

function chainOf(
  from: string,
  way: readonly Step[],
  has: ReadonlySet<Class>,
  last: ReadonlySet<Class>,
): Chain {
  const most = (held: ReadonlySet<Class>) => classes.findLastIndex((each) => held.has(each))
  return {
    agents: [from, ...way.map(({ to }) => to)],
    through: way.map(({ through }) => through),
    by: way[0]?.by ?? [],
    gains: classes.filter((each) => last.has(each) && !has.has(each)),
    raises: most(last) > most(has),
    approvals: [...new Set(way.flatMap(({ approvals }) => approvals))].toSorted(),
  }
}

/** The shortest way to each agent that can be reached. */
function reachable(from: string, steps: (agent: string) => readonly Step[]): Map<string, Step[]> {
  const ways = new Map<string, Step[]>([[from, []]])
  for (const [agent, way] of ways)
    for (const step of steps(agent)) if (!ways.has(step.to)) ways.set(step.to, [...way, step])
  ways.delete(from)
  return ways
}

function stepsOf(given: Given, agents: readonly Agent[]): Map<string, Step[]> {
  const steps = new Map<string, Step[]>()
  for (const upstream of given.upstreams) {
    const { workloads } = upstream.vocabulary
    if (!workloads) continue
    for (const place of placesIn(given, agents, upstream, workloads)) {
      const become = agents.filter(({ match }) =>
        match.some((rule) => mayRunAs(rule, place, given.issuers, upstream, workloads)),
      )
      if (become.length === 0) continue
      for (const { name } of agents) {
        const taken = leversOf(given.policies, name, place, upstream, workloads)
        if (!taken) continue
        const more = become.filter((other) => other.name !== name)
        const found = more.map((other) => ({ to: other.name, through: place.resource.id, ...taken }))
        steps.set(name, [...(steps.get(name) ?? []), ...found])
      }
    }
  }
  return steps
}

/** A resource with workloads, or all of a parent's that nobody names. */
interface Place {
  resource: Resource
  parent: Resource
  named: boolean
  tokens: ReadonlyMap<string, readonly Pattern[]>
}

function placesIn(
  given: Given,
  agents: readonly Agent[],
  { resources, vocabulary }: Upstream,
  workloads: Workloads,
): Place[] {
  const named = new Map<string, Entity>()
  const add = (entity: Entity) => named.set(`${entity.type} ${entity.id}`, entity)
  for (const { concerning } of given.policies.agents.values())
    for (const { json } of concerning)
      for (const { type, id } of entitiesNamed(json)) add({ type: unqualified(type), id })
  for (const { match } of agents) for (const rule of match) namedBy(rule, workloads).forEach(add)
  return resources.flatMap((parent) => {
    const inside = [...named.values()].filter((entity) =>
      vocabulary.parentsOf?.(entity).some((each) => same(each, parent)),
    )
    const unnamed = workloads.unnamed(parent)
    return [...inside, unnamed].map(({ type, id }) => ({
      resource: { type, id, parents: [parent, ...parent.parents] },
      parent,
      named: id !== unnamed.id,
      tokens: new Map(
        Object.entries(workloads.tokensOf({ type, id })).map(([claim, texts]) => [
          claim,
          texts.map(compilePattern),
        ]),
      ),
    }))
  })
}

function namedBy(rule: MatchRule, workloads: Workloads): Entity[] {
  return requirements(rule).flatMap(({ name, patterns }) =>
    patterns.flatMap(({ text }) => workloads.named(name, text) ?? []),
  )
}

/** Whether a workload of the place could have a token that satisfies the rule. */
function mayRunAs(
  rule: MatchRule,
  { tokens, named }: Place,
  issuers: Given['issuers'],
  { host }: Upstream,
  workloads: Workloads,
): boolean {
  const issuer = issuers.get(rule.issuer)
  const required = requirements(rule)
  if (
    !issuer ||
    !workloads.issuedBy(
      issuer,
      host,
      required.map(({ name }) => name),
    )
  )
    return false
  // What a rule names in full is a place of its own.
  if (!named && namedBy(rule, workloads).length > 0) return false
  return required.every(({ name, patterns }) => {
    const possible = tokens.get(name)
    const wanted = patterns.map(({ text }) => compilePattern(text.toLowerCase()))
    return !possible || wanted.some((one) => possible.some((other) => overlap(one, other)))
  })
}

/** How the agent may decide what runs in the place, if it may. */
function leversOf(
  policies: Policies,
  agent: string,
  { resource, parent }: Place,
  { vocabulary }: Upstream,
  { actions }: Workloads,
): Pick<Step, 'by' | 'approvals'> | undefined {
  const concerning = policies.agents.get(agent)?.concerning ?? []
  const ways = actions.flatMap(({ on, ...action }) => {
    const target = on === resource.type ? resource : parent
    const groups = approvalsFor(concerning, vocabulary, target, action, false)
    return groups ? [{ action: action.action, groups }] : []
  })
  const least = ways.toSorted((a, b) => a.groups.length - b.groups.length)[0]
  if (!least) return undefined
  const alike = ways.filter(({ groups }) => groups.length === least.groups.length)
  return { by: alike.map(({ action }) => action), approvals: least.groups }
}

/** The groups whose yes the action needs there; undefined where no policy permits it, or one forbids it whatever else holds. */
function approvalsFor(
  concerning: readonly ParsedPolicy[],
  vocabulary: Vocabulary,
  resource: Resource,
  action: Parameters<typeof actsBy>[1],
  below: boolean,
): string[] | undefined {
  const acting = concerning.filter(({ json }) => actsBy(json, action))
  const permits = acting.some(
    ({ json }) => json.effect === 'permit' && isAbout(json, vocabulary, resource, below),
  )
  if (!permits) return undefined
  const forbids = acting.filter(
    ({ json }) => json.effect === 'forbid' && isAbout(json, vocabulary, resource, false),
  )
  if (forbids.some(({ json }) => json.conditions.length === 0)) return undefined
  const groups = forbids.flatMap(({ json }) =>
    json.conditions.length === 1 ? (json.annotations?.['approval'] ?? []) : [],
  )
  return [...new Set(groups)].toSorted()
}

/** The classes of what the agent may ask for anywhere. */
function classesOf({ policies, upstreams }: Given, agent: string): Set<Class> {
  const concerning = policies.agents.get(agent)?.concerning ?? []
  const held = new Set<Class>()
  for (const { vocabulary, resources } of upstreams)
    for (const { actions, ...resource } of resources)
      for (const action of actions)
        if (!held.has(action.class) && approvalsFor(concerning, vocabulary, resource, action, true))
          held.add(action.class)
  return held
}
