/** What a policy reads and names, found in its JSON form. */
import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'
import type { Entity } from '../provider/terms.ts'
import { isToolAction } from '../provider/tools.ts'
import { qualified } from './schema.ts'

type Node = Record<string, unknown>

export function isNode(json: unknown): json is Node {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}

/** The one operator of an expression, and what it is applied to; undefined where it has none, or more than one. */
export function operationOf(expression: unknown): { operator: string; operands: Node } | undefined {
  if (!isNode(expression)) return undefined
  const [operator, ...others] = Object.keys(expression)
  if (operator === undefined || others.length > 0) return undefined
  const operands = expression[operator]
  return isNode(operands) ? { operator, operands } : undefined
}

/**
 * Every object in `json`. It knows no operator, so that one which a later Cedar
 * adds is searched too: these rules must not be evaded by new syntax.
 */
function* nodes(json: unknown): Generator<Node> {
  if (isNode(json)) yield json
  if (typeof json === 'object' && json !== null) for (const part of Object.values(json)) yield* nodes(part)
}

function isContext(expression: unknown): boolean {
  return isNode(expression) && expression['Var'] === 'context'
}

/** The attribute that `expression` takes of `context` itself, `ttl` of `context.ttl`. */
export function attributeOf(expression: unknown): string | undefined {
  return isNode(expression) ? accessed(expression['.']) : undefined
}

function accessed(access: unknown): string | undefined {
  if (!isNode(access) || !isContext(access['left'])) return undefined
  // `context has a.b` is one access with a path.
  const attr: unknown = Array.isArray(access['attr']) ? access['attr'][0] : access['attr']
  return typeof attr === 'string' ? attr : undefined
}

/** The attributes of `context` that are taken anywhere in `json`. */
export function attributesTaken(json: unknown): string[] {
  return [...nodes(json)].flatMap((node) => accessed(node['.']) ?? [])
}

/**
 * The attributes of `context` that are taken or tested anywhere in `json`, each
 * as often as it is; `whole` if `context` is also used in any other way, through
 * which all of them could be reached.
 */
export function contextReads(json: unknown): { attributes: string[]; whole: boolean } {
  const all = [...nodes(json)]
  const attributes = all
    .map((node) => accessed(node['.']) ?? accessed(node['has']))
    .filter((attribute) => attribute !== undefined)
  return { attributes, whole: all.filter(isContext).length > attributes.length }
}

/**
 * The names of all attributes that the policy takes or tests, whatever it takes
 * them of; `all` where it uses `context` whole, as in a comparison.
 */
export function attributesRead(policy: PolicyJson): ReadonlySet<string> | 'all' {
  if (contextReads(policy).whole) return 'all'
  const names = new Set<string>()
  for (const node of nodes(policy.conditions))
    for (const access of [node['.'], node['has']]) {
      if (!isNode(access)) continue
      for (const name of [access['attr']].flat()) if (typeof name === 'string') names.add(name)
    }
  return names
}

/** The entities that the policy names, in its scope and in its conditions, types with their namespace. */
export function entitiesNamed({ principal, action, resource, conditions }: PolicyJson): Entity[] {
  return entitiesIn([principal, action, resource, conditions])
}

/** The entities named anywhere in `json`. */
export function entitiesIn(json: unknown): Entity[] {
  return [...nodes(json)].flatMap(({ type, id }) =>
    typeof type === 'string' && typeof id === 'string' ? [{ type, id }] : [],
  )
}

/** The actions of tools that any of the policies names. */
export function toolsNamed(policies: readonly PolicyJson[]): Set<string> {
  const named = policies.flatMap((json) => entitiesNamed(json))
  return new Set(
    named.flatMap(({ type, id }) => (type === qualified('Action') && isToolAction(id) ? [id] : [])),
  )
}

/** The tags that the policy takes or tests of any entity; `all` if it computes a tag's name. */
export function tagsRead(policy: PolicyJson): ReadonlySet<string> | 'all' {
  const tags = new Set<string>()
  for (const node of nodes(policy.conditions)) {
    for (const access of [node['getTag'], node['hasTag']]) {
      if (!isNode(access)) continue
      const name = isNode(access['right']) ? access['right']['Value'] : undefined
      // Also reached by a record literal with a key of this name, where `all` only costs time.
      if (typeof name !== 'string') return 'all'
      tags.add(name)
    }
  }
  return tags
}

/**
 * What the resource has to be, or be in, for the policy to apply: as its scope
 * says, and each test that its `when` clauses join with && alone. Others are left out.
 */
export function placesOf({ resource, conditions }: PolicyJson): { op: '==' | 'in'; entity: Entity }[] {
  const required = conditions.flatMap(({ kind, body }) => (kind === 'when' ? conjuncts(body) : []))
  const tests = required.flatMap((test) => {
    const op = '==' in test ? '==' : 'in'
    const { left, right } = isNode(test[op]) ? test[op] : {}
    const [entity, ...others] = entitiesIn(right)
    const plain = isNode(left) && left['Var'] === 'resource' && isNode(right) && 'Value' in right
    return plain && entity && others.length === 0 ? [{ op, entity } as const] : []
  })
  const op = resource.op === '==' ? '==' : 'in'
  return [...entitiesIn(resource).map((entity) => ({ op, entity }) as const), ...tests]
}

function conjuncts(expression: unknown): Node[] {
  if (!isNode(expression)) return []
  const both = expression['&&']
  return isNode(both) ? [...conjuncts(both['left']), ...conjuncts(both['right'])] : [expression]
}
