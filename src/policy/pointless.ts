/** Policies that hold and do nothing, or everything, and agents for which they do nothing: valid, and surely not meant. */
import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'
import { fixedOwner } from '../agents/owner.ts'
import { closest } from '../base/closest.ts'
import { classes, type Entity } from '../provider/terms.ts'
import type { Upstream } from './namesakes.ts'
import type { ParsedPolicy } from './parse.ts'
import { entitiesIn, entitiesNamed } from './reads.ts'
import { unqualified, type Vocabulary } from './schema.ts'
import { type Governed, isWithin } from './slice.ts'

/** What is wrong with one policy, and the words of it that are. */
export interface Pointless {
  policy: ParsedPolicy
  at: string
  message: string
  remedy: string
}

/** What there is for policies to be about. */
interface Existing {
  /** As much as is known of each agent; undefined where that is not all of them. */
  agents: readonly Partial<Governed>[] | undefined
  upstreams: readonly Upstream[]
  /** The providers of which every connection is known. */
  vocabularies: readonly Vocabulary[]
}

/** Every policy that permits everything to everybody, or names what is not there. */
export function pointless(policies: readonly ParsedPolicy[], existing: Existing): Pointless[] {
  const known = [...principals(existing.agents), ...resources(existing)]
  const suggest = suggester()
  return policies.flatMap((policy) => [
    ...permitsAll(policy),
    ...distinct(entitiesNamed(policy.json)).flatMap((entity): Pointless[] => {
      const { type } = entity
      const kind = known.find((each) => each.type === type)
      if (!kind || kind.has(entity)) return []
      const at = JSON.stringify(entity.id)
      return [{ policy, at, message: `${type}::${at} ${kind.missing}`, remedy: suggest(entity, kind) }]
    }),
  ])
}

/** Agents that no permit can be about. */
export function unpermitted<Agent extends Governed>(
  policies: readonly ParsedPolicy[],
  agents: readonly Agent[],
): Agent[] {
  const permits = policies.filter(({ json }) => json.effect === 'permit')
  const about = permits.map(({ json }) => entitiesIn(json.principal))
  if (about.some((entities) => entities.length === 0)) return []
  const named = about.flat()
  return agents.filter((agent) => !named.some((entity) => isWithin(agent, entity)))
}

/** Things of one type, of which it is known which there are. */
interface Kind {
  type: string
  /** What to say of one that there is not. */
  missing: string
  ids: ReadonlySet<string>
  has(entity: Entity): boolean
}

function principals(agents: Existing['agents']): Kind[] {
  if (!agents) return []
  const kind = (type: string, ids: (string | undefined)[], missing: string): Kind => {
    const known = new Set(ids.filter((id) => id !== undefined))
    return { type, ids: known, missing, has: ({ id }) => known.has(id) }
  }
  const owners = agents.map(({ owner }) => owner)
  const anyOwner = owners.some((owner) => owner !== undefined && fixedOwner(owner) === undefined)
  const owner = kind(
    'Owner',
    owners.map((each) => each && fixedOwner(each)),
    'owns no agent of the configuration',
  )
  return [
    kind(
      'Agent',
      agents.map(({ name }) => name),
      'is no agent of the configuration',
    ),
    // Whom a claim names is known when they come.
    ...(anyOwner ? [] : [owner]),
    kind(
      'Environment',
      agents.map(({ environment }) => environment),
      'is the environment of no agent',
    ),
  ]
}

function resources({ upstreams, vocabularies }: Existing): Kind[] {
  const served = upstreams.flatMap((upstream) => upstream.resources)
  const whole = new Set(served.map(keyOf))
  const all = [...served, ...served.flatMap(({ parents }) => parents)]
  const byType = Map.groupBy(all, ({ type }) => type)
  return vocabularies.flatMap((vocabulary) =>
    [...vocabulary.cedar.matchAll(/\bentity (\w+)/g)].map(([, type = '']): Kind => {
      const ids = new Set(byType.get(type)?.map(({ id }) => id))
      return {
        type,
        ids,
        missing: 'is served by no connection',
        has: (entity) =>
          ids.has(entity.id) ||
          (vocabulary.parentsOf?.(entity).some((parent) => whole.has(keyOf(parent))) ?? false),
      }
    }),
  )
}

/** What may have been meant; not for thousands, each of which would be held against thousands. */
function suggester(): (entity: Entity, kind: Kind) => string {
  let left = 50
  return ({ id }, { ids }) => {
    const near = left-- > 0 ? closest(id, ids, 2) : undefined
    return near === undefined
      ? 'Correct the name, or remove the policy if it is of the past.'
      : `Did you mean ${JSON.stringify(near)}?`
  }
}

function permitsAll(policy: ParsedPolicy): Pointless[] {
  const { effect, principal, action, resource, conditions } = policy.json
  const named = entitiesIn(action).map(({ id }) => id)
  const everything =
    effect === 'permit' &&
    entitiesIn([principal, resource]).length === 0 &&
    resource.op === 'All' &&
    (action.op === 'All' || classes.every((each) => named.includes(each))) &&
    conditions.every(holds)
  if (!everything) return []
  const message = 'it permits every agent everything that any connection can give'
  return [
    { policy, at: '', message, remedy: 'Name the agent, the actions and the resources that are meant.' },
  ]
}

/** Whether the condition plainly holds whatever is asked. */
function holds({ kind, body }: PolicyJson['conditions'][number]): boolean {
  return 'Value' in body && body.Value === (kind === 'when')
}

function distinct(entities: readonly Entity[]): Entity[] {
  const ours = entities.map(({ type, id }) => ({ type: unqualified(type), id }))
  return [...new Map(ours.map((entity) => [keyOf(entity), entity])).values()]
}

function keyOf({ type, id }: Entity): string {
  return `${unqualified(type)} ${id}`
}
