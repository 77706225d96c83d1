/** The policies that can concern one agent. */
import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'
import type { Entity } from '../provider/terms.ts'
import type { ParsedPolicy } from './parse.ts'
import { qualified } from './schema.ts'

/** What policy knows of an agent besides the principal that acts for it. */
export interface AgentFacts {
  name: string
  owner: string
  environment: string
}

/** The agent's entity and what it is in, types with their namespace. */
export function lineage({ name, owner, environment }: AgentFacts): { self: Entity; parents: Entity[] } {
  return {
    self: { type: qualified('Agent'), id: name },
    parents: [
      { type: qualified('Owner'), id: owner },
      { type: qualified('Environment'), id: environment },
    ],
  }
}

/**
 * Leaves out the policies whose principal scope cannot match the agent. Nothing
 * else is looked at: a condition that cannot hold for the agent may still fail to
 * evaluate, which denies.
 */
export function slice(policies: readonly ParsedPolicy[], agent: AgentFacts): ParsedPolicy[] {
  const { self, parents } = lineage(agent)
  return policies.filter(({ json }) => canMatch(json.principal, self, [self, ...parents]))
}

function canMatch(scope: PolicyJson['principal'], self: Entity, ancestors: Entity[]): boolean {
  switch (scope.op) {
    case 'All':
      return true
    case '==':
      return named(scope, [self])
    case 'in':
      return named(scope, ancestors)
    case 'is':
      return scope.entity_type === self.type && (scope.in === undefined || named(scope.in, ancestors))
  }
}

function named(constraint: object, entities: Entity[]): boolean {
  // A slot would stand for any entity; there are no templates, but leaving out a forbid must never be the mistake.
  if (!('entity' in constraint)) return true
  const uid = constraint.entity as Entity | { __entity: Entity }
  const { type, id } = '__entity' in uid ? uid.__entity : uid
  return entities.some((entity) => entity.type === type && entity.id === id)
}
