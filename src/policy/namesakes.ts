/**
 * Things of one name at two upstreams: `acme` on github.com and `acme` on a server
 * of one's own are one entity in policies, and may have nothing to do with each
 * other. A permit that does not say which it means gives both (docs/decisions/0022).
 */
import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'
import type { Fault } from '../base/fault.ts'
import type { Entity, Resource, ServedResource } from '../provider/terms.ts'
import type { ParsedPolicy } from './parse.ts'
import { isAbout, same } from './about.ts'
import { contextReads, entitiesIn, entitiesNamed } from './reads.ts'
import { qualified, type Vocabulary } from './schema.ts'

/** A connection, as far as policy has to know it. */
export interface Upstream {
  vocabulary: Vocabulary
  /** The provider's, before the dot in its actions. */
  type: string
  /** The connection's configured name. */
  connection: string
  /** Where it leads: two connections to one upstream mean the same things. */
  upstream: string
  host: string | undefined
  resources: readonly ServedResource[]
}

/** One name, and what bears it at each of two upstreams. */
interface Namesakes {
  sides: readonly [Side, Side]
}

interface Side {
  upstream: Upstream
  resource: Resource
}

/** A fault for each permit that gives namesakes alike. */
export function undistinguished(policies: readonly ParsedPolicy[], upstreams: readonly Upstream[]): Fault[] {
  const all = namesakes(upstreams)
  if (all.length === 0) return []
  // One that keeps everybody out of one of the two leaves only the other to give.
  const distinguishing = policies.filter(
    ({ json }) =>
      json.effect === 'forbid' &&
      json.principal.op === 'All' &&
      json.action.op === 'All' &&
      json.conditions.length === 0,
  )
  return policies.flatMap((policy) => {
    if (policy.json.effect !== 'permit') return []
    const alike = all.filter(
      (each) => gives(policy, each) && ![policy, ...distinguishing].some((rule) => distinguishes(rule, each)),
    )
    const [first] = alike
    return first ? [fault(policy, first, alike.length - 1)] : []
  })
}

function namesakes(upstreams: readonly Upstream[]): Namesakes[] {
  return upstreams.flatMap((one, at) =>
    upstreams
      .slice(at + 1)
      .filter((other) => other.type === one.type && other.upstream !== one.upstream)
      .flatMap((other) =>
        one.resources.flatMap((resource): Namesakes[] => {
          const namesake = other.resources.find((each) => same(each, resource))
          return namesake
            ? [
                {
                  sides: [
                    { upstream: one, resource },
                    { upstream: other, resource: namesake },
                  ],
                },
              ]
            : []
        }),
      ),
  )
}

/** Whether the policy can be about both. */
function gives({ json }: ParsedPolicy, { sides }: Namesakes): boolean {
  return sides.every(
    ({ upstream, resource }) =>
      actsOn(json.action, upstream.type) && isAbout(json, upstream.vocabulary, resource),
  )
}

function actsOn(action: PolicyJson['action'], type: string): boolean {
  const named = entitiesIn(action)
  // A class is of every provider.
  return named.length === 0 || named.some(({ id }) => !id.includes('.') || id.startsWith(`${type}.`))
}

/** Whether the policy asks which connection it is, or names what only one of the two is in. */
function distinguishes({ json }: ParsedPolicy, { sides: [one, other] }: Namesakes): boolean {
  if (contextReads(json.conditions).attributes.includes('connection')) return true
  const apart = [...difference(one, other), ...difference(other, one)]
  return entitiesNamed(json).some(({ type, id }) =>
    apart.some((entity) => qualified(entity.type) === type && entity.id === id),
  )
}

function difference(one: Side, other: Side): Entity[] {
  return one.resource.parents.filter((parent) => !other.resource.parents.some((each) => same(each, parent)))
}

function fault(
  { file, path, place: at }: ParsedPolicy,
  { sides: [one, other] }: Namesakes,
  more: number,
): Fault {
  const { type, id } = one.resource
  const [apart] = difference(one, other)
  const place = apart ? `, or resource in ${qualified(apart.type)}::${JSON.stringify(apart.id)}` : ''
  return {
    file,
    path,
    ...at,
    message: `it permits ${type}::${JSON.stringify(id)} through ${one.upstream.connection} and through ${other.upstream.connection}, which lead to different upstreams${more > 0 ? `, and ${more} more of one name` : ''}`,
    remedy: `Say which is meant, as context.connection == ${JSON.stringify(one.upstream.connection)}${place}; for both name both.`,
  }
}
