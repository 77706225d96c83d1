/** Whether a policy can be about a resource, as far as its scope and what it plainly requires tell. */
import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'
import type { ClassedAction, Entity, Resource } from '../provider/terms.ts'
import { entitiesIn, placesOf } from './reads.ts'
import { unqualified, type Vocabulary } from './schema.ts'

/** About the resource or, with `below`, something in it. Errs towards yes. */
export function isAbout(json: PolicyJson, vocabulary: Vocabulary, resource: Resource, below = true): boolean {
  const { resource: scope } = json
  if (scope.op === 'is' && !declares(vocabulary, unqualified(scope.entity_type))) return false
  return placesOf(json).every(({ op, entity: { type, id } }) => {
    const named = { type: unqualified(type), id }
    const around = op === '==' ? [resource] : [resource, ...resource.parents]
    return around.some((each) => same(each, named)) || (below && isBelow(named, resource, vocabulary))
  })
}

/** Whether its action scope holds the action, by name or by class. */
export function actsBy(json: PolicyJson, { action, class: group }: ClassedAction): boolean {
  if (json.action.op === 'All') return true
  return entitiesIn(json.action).some(({ id }) => id === action || id === group)
}

function isBelow(named: Entity, resource: Resource, { parentsOf }: Vocabulary): boolean {
  return parentsOf?.(named).some((parent) => same(parent, resource)) ?? false
}

function declares({ cedar }: Vocabulary, type: string): boolean {
  return new RegExp(String.raw`\bentity ${type}\b`).test(cedar)
}

export function same(a: Entity, b: Entity): boolean {
  return a.type === b.type && a.id === b.id
}
