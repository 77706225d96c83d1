/** The policies that can concern one agent. */
import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'
import { fixedOwner, type Owner } from '../agents/owner.ts'
import type { Entity } from '../provider/terms.ts'
import type { ParsedPolicy } from './parse.ts'
import { qualified } from './schema.ts'

/** An agent that policies are compiled for; the owner may be whoever a token will show. */
export interface Governed {
  name: string
  owner: Owner
  environment: string
}

/** What policy knows of an agent besides the principal that acts for it. */
export interface AgentFacts extends Governed {
  owner: string
}

const ownerType = qualified('Owner')

/** The agent's entity and what it is in, types with their namespace. */
export function lineage({ name, owner, environment }: AgentFacts): { self: Entity; parents: Entity[] } {
  return {
    self: { type: qualified('Agent'), id: name },
    parents: [
      { type: ownerType, id: owner },
      { type: qualified('Environment'), id: environment },
    ],
  }
}

/**
 * Leaves out the policies whose principal scope cannot match the agent. Nothing
 * else is looked at: a condition that cannot hold for the agent may still fail to
 * evaluate, which denies.
 */
export function slice(policies: readonly ParsedPolicy[], agent: Governed): ParsedPolicy[] {
  return policies.filter(({ json }) => canMatch(json.principal, agent))
}

/** Whether the agent is, or may come to be, the entity or in it. */
export function isWithin(agent: Governed, entity: Entity): boolean {
  const owner = fixedOwner(agent.owner)
  if (owner === undefined && entity.type === ownerType) return true
  const { self, parents } = lineage({ ...agent, owner: owner ?? '' })
  return [self, ...parents].some(({ type, id }) => type === entity.type && id === entity.id)
}

function canMatch(scope: PolicyJson['principal'], agent: Governed): boolean {
  const { self } = lineage({ ...agent, owner: '' })
  switch (scope.op) {
    case 'All':
      return true
    case '==':
      return named(scope, ({ type, id }) => type === self.type && id === self.id)
    case 'in':
      return named(scope, (entity) => isWithin(agent, entity))
    case 'is':
      return (
        scope.entity_type === self.type &&
        (scope.in === undefined || named(scope.in, (entity) => isWithin(agent, entity)))
      )
  }
}

function named(constraint: object, is: (entity: Entity) => boolean): boolean {
  // A slot would stand for any entity; there are no templates, but leaving out a forbid must never be the mistake.
  if (!('entity' in constraint)) return true
  const uid = constraint.entity as Entity | { __entity: Entity }
  return is('__entity' in uid ? uid.__entity : uid)
}
