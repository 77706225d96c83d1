/**
 * Who may decide what runs where, and as whom that runs: what chains are made of
 * (docs/decisions/0026). Policies and rules are found by what they name, for thousands of
 * agents have millions of pairs.
 */
import type { Agent } from '../agents/agent.ts'
import { type ClaimRule, type MatchRule, requirements } from '../agents/match.ts'
import { compilePattern, overlap, type Pattern } from '../agents/pattern.ts'
import type { Workloads } from '../provider/contract.ts'
import type { Class, Entity, Resource } from '../provider/terms.ts'
import { actsBy, isAbout, same } from './about.ts'
import type { Policies } from './compile.ts'
import type { Upstream } from './namesakes.ts'
import type { ParsedPolicy } from './parse.ts'
import { entitiesNamed, placesOf } from './reads.ts'
import { unqualified, type Vocabulary } from './schema.ts'

export interface ChainInput {
  agents: Iterable<Agent>
  policies: Policies
  upstreams: readonly Upstream[]
  /** By configured name. */
  issuers: ReadonlyMap<string, { url: string; platform: string | undefined }>
}

/** A place in which an agent may decide what runs. */
export interface Lever {
  /** `acme/web`, or `acme/*` for every other of an owner. */
  through: string
  /** The agents as which something there may run, perhaps the one itself, in lists that places share. */
  become: readonly (readonly string[])[]
  by: string[]
  /** Groups whose yes it needs, sorted. */
  approvals: string[]
}

/** By an agent's name, the levers that it has and the classes of what it may ask for. Agents whom the same policies concern share them. */
export function trust(given: ChainInput): {
  agents: string[]
  levers: (agent: string) => readonly Lever[]
  held: (agent: string) => ReadonlySet<Class>
} {
  const agents = [...given.agents]
  const slices = slicesOf(given.policies, given.upstreams)
  const places = placesIn(given, agents, [...new Set(slices.values())])
  const around = placesAround(places)
  const levers = once((slice: Slice) => around(slice).flatMap((place) => leverOf(slice, place) ?? []))
  const held = once((slice: Slice) => classesOf(slice, given.upstreams))
  const none = sliceOf([], [])
  const of = (agent: string) => slices.get(agent) ?? none
  return {
    agents: agents.map(({ name }) => name),
    levers: (agent) => levers(of(agent)),
    held: (agent) => held(of(agent)),
  }
}

function once<Key extends object, Value>(make: (key: Key) => Value): (key: Key) => Value {
  const made = new Map<Key, Value>()
  return (key) => {
    const value = made.get(key) ?? make(key)
    made.set(key, value)
    return value
  }
}

/** The policies that concern an agent, found by what they are about. */
interface Slice {
  policies: readonly ParsedPolicy[]
  /** What its permits are about; undefined where one is about what it does not name. */
  permits: ReadonlySet<string> | undefined
  /** About the resource or, with `below`, something in it, and about what has no name. */
  near(resource: Resource, below: boolean): ParsedPolicy[]
}

/** By agent; agents whom the same policies concern have the same one. */
function slicesOf(policies: Policies, upstreams: readonly Upstream[]): Map<string, Slice> {
  const bySets = new Map<string, Slice>()
  return new Map(
    [...policies.agents].map(([name, { names, concerning }]) => {
      const sets = names.join()
      const slice = bySets.get(sets) ?? sliceOf(concerning, upstreams)
      bySets.set(sets, slice)
      return [name, slice]
    }),
  )
}

function sliceOf(policies: readonly ParsedPolicy[], upstreams: readonly Upstream[]): Slice {
  const anywhere: ParsedPolicy[] = []
  const about = new Map<string, ParsedPolicy[]>()
  const inside = new Map<string, ParsedPolicy[]>()
  const add = (to: Map<string, ParsedPolicy[]>, entity: Entity, policy: ParsedPolicy) =>
    to.set(keyOf(entity), [...(to.get(keyOf(entity)) ?? []), policy])
  for (const policy of policies) {
    const [first] = placesOf(policy.json)
    if (!first) {
      anywhere.push(policy)
      continue
    }
    const entity = { ...first.entity, type: unqualified(first.entity.type) }
    add(about, entity, policy)
    const parents = upstreams.flatMap(({ vocabulary }) => vocabulary.parentsOf?.(entity) ?? [])
    for (const parent of new Map(parents.map((each) => [keyOf(each), each])).values())
      add(inside, parent, policy)
  }
  const permits = policies.filter(({ json }) => json.effect === 'permit')
  const named = permits.map(({ json }) => placesOf(json)[0]?.entity)
  return {
    policies,
    permits: named.every((entity) => entity !== undefined)
      ? new Set(named.map(({ type, id }) => keyOf({ type: unqualified(type), id })))
      : undefined,
    near: (resource, below) => [
      ...anywhere,
      ...[resource, ...resource.parents].flatMap((entity) => about.get(keyOf(entity)) ?? []),
      ...(below ? (inside.get(keyOf(resource)) ?? []) : []),
    ],
  }
}

function keyOf({ type, id }: Entity): string {
  return `${type} ${id}`
}

/** A resource with workloads, or all of a parent's that nobody names. */
interface Place {
  resource: Resource
  parent: Resource
  vocabulary: Vocabulary
  workloads: Workloads
  become: Lever['become']
}

/** Those of `places` that a slice's permits may be about, in their order. */
function placesAround(places: readonly Place[]): (slice: Slice) => readonly Place[] {
  const byEntity = new Map<string, number[]>()
  for (const [at, { resource }] of places.entries())
    for (const entity of [resource, ...resource.parents]) {
      const key = keyOf(entity)
      const some = byEntity.get(key) ?? []
      some.push(at)
      byEntity.set(key, some)
    }
  return ({ permits }) => {
    if (!permits) return places
    const found = new Set([...permits].flatMap((key) => byEntity.get(key) ?? []))
    return [...found].toSorted((a, b) => a - b).map((at) => places[at]!)
  }
}

/** Where something runs as an agent. */
function placesIn(given: ChainInput, agents: readonly Agent[], slices: readonly Slice[]): Place[] {
  return given.upstreams.flatMap((upstream) => {
    const { vocabulary, resources } = upstream
    const { workloads } = vocabulary
    if (!workloads) return []
    const runs = runsAs(given, agents, upstream, workloads)
    const named = namedIn(agents, slices, workloads)
    return resources.flatMap((parent) => {
      const inside = named.filter((entity) =>
        vocabulary.parentsOf?.(entity).some((each) => same(each, parent)),
      )
      const others = workloads.unnamed(parent)
      return [...inside, others].flatMap(({ type, id }): Place[] => {
        const resource = { type, id, parents: [parent, ...parent.parents] }
        const become = runs(resource, id !== others.id)
        return become.length > 0 ? [{ resource, parent, vocabulary, workloads, become }] : []
      })
    })
  })
}

/** Everything that a policy or a rule names. */
function namedIn(agents: readonly Agent[], slices: readonly Slice[], workloads: Workloads): Entity[] {
  const named = new Map<string, Entity>()
  const add = (entity: Entity) => named.set(keyOf(entity), entity)
  for (const policy of new Set(slices.flatMap(({ policies }) => policies)))
    for (const { type, id } of entitiesNamed(policy.json)) add({ type: unqualified(type), id })
  for (const { match } of agents) for (const rule of match) namedBy(rule, workloads).forEach(add)
  return [...named.values()]
}

function namedBy(rule: MatchRule, workloads: Workloads): Entity[] {
  return requirements(rule).flatMap(({ name, patterns }) =>
    patterns.flatMap(({ text }) => workloads.named(name, text) ?? []),
  )
}

/** Whether some claim of the rule names places in full, and nothing else. */
function confined(required: readonly ClaimRule[], workloads: Workloads): boolean {
  return required.some(({ name, patterns }) => patterns.every(({ text }) => workloads.named(name, text)))
}

/** A rule of an agent as tokens are held against it, in lower case. */
interface Run {
  agent: string
  required: readonly ClaimRule[]
}

/** The agents as which workloads of a place may run. */
function runsAs(
  { issuers }: ChainInput,
  agents: readonly Agent[],
  { host }: Upstream,
  workloads: Workloads,
): (resource: Entity, named: boolean) => Lever['become'] {
  const shared = sharing()
  const anywhere: Run[] = []
  const byName = new Map<string, Run[]>()
  for (const { name: agent, match } of agents)
    for (const rule of match) {
      const issuer = issuers.get(rule.issuer)
      const required = requirements(rule)
      const claims = required.map(({ name }) => name)
      if (!issuer || !workloads.issuedBy(issuer, host, claims)) continue
      const run = { agent, required: required.map(inLowerCase) }
      const places = namedBy(rule, workloads)
      // One alternative that names no place is enough for tokens of others.
      if (!confined(required, workloads)) anywhere.push(run)
      // What a rule names in full is a place of its own, and no token of another's satisfies it.
      for (const key of new Set(places.map(keyOf))) byName.set(key, [...(byName.get(key) ?? []), run])
    }
  return (resource, named) => {
    const tokens = new Map(
      Object.entries(workloads.tokensOf(resource)).map(([claim, texts]) => [
        claim,
        texts.map(compilePattern),
      ]),
    )
    const running = (runs: readonly Run[]) =>
      runs.filter(({ required }) => required.every((each) => mayHold(each, tokens))).map(({ agent }) => agent)
    const own = named ? running(byName.get(keyOf(resource)) ?? []) : []
    return [own, shared(running(anywhere))].filter((agents) => agents.length > 0)
  }
}

/** The one list of these agents: most places have the same. */
function sharing(): (agents: readonly string[]) => readonly string[] {
  const lists = new Map<string, readonly string[]>()
  return (agents) => {
    const key = agents.join('\n')
    const list = lists.get(key) ?? [...new Set(agents)]
    lists.set(key, list)
    return list
  }
}

function inLowerCase({ name, patterns }: ClaimRule): ClaimRule {
  return { name, patterns: patterns.map(({ text }) => compilePattern(text.toLowerCase())) }
}

function mayHold({ name, patterns }: ClaimRule, tokens: ReadonlyMap<string, readonly Pattern[]>): boolean {
  const possible = tokens.get(name)
  return !possible || patterns.some((one) => possible.some((other) => overlap(one, other)))
}

/** How the agents of a slice may decide what runs in the place, if they may. */
function leverOf(
  slice: Slice,
  { resource, parent, vocabulary, workloads, become }: Place,
): Lever | undefined {
  const near = new Map([resource, parent].map((target) => [target, slice.near(target, false)]))
  const ways = workloads.actions.flatMap(({ on, ...action }) => {
    const target = on === resource.type ? resource : parent
    const groups = approvalsFor(near.get(target)!, vocabulary, target, action, false)
    return groups ? [{ action: action.action, groups }] : []
  })
  const least = ways.toSorted((a, b) => a.groups.length - b.groups.length)[0]
  if (!least) return undefined
  const alike = ways.filter(({ groups }) => groups.length === least.groups.length)
  return { through: resource.id, become, by: alike.map(({ action }) => action), approvals: least.groups }
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

/** The classes of what the agents of a slice may ask for anywhere. */
function classesOf(slice: Slice, upstreams: readonly Upstream[]): Set<Class> {
  const held = new Set<Class>()
  for (const { vocabulary, resources } of upstreams)
    for (const { actions, ...resource } of resources) {
      const near = slice.near(resource, true)
      if (near.every(({ json }) => json.effect === 'forbid')) continue
      for (const action of actions)
        if (
          action.class !== 'tool' &&
          !held.has(action.class) &&
          approvalsFor(near, vocabulary, resource, action, true)
        )
          held.add(action.class)
    }
  return held
}
