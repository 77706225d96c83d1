/** What policy tells of an agent's authority without a question: its permits, and what stands against them. */
import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'
import type { Resource } from '../provider/terms.ts'
import { isAbout } from './about.ts'
import type { AskingPolicy } from './askers.ts'
import type { Policies } from './compile.ts'
import { entityText } from './decide.ts'
import type { ParsedPolicy } from './parse.ts'
import { entitiesIn, placesOf } from './reads.ts'
import { unqualified, type Vocabulary } from './schema.ts'

/** One policy as its scope reads, and what it plainly requires of the resource. */
export interface Told extends AskingPolicy {
  /** Actions by name, or by class; none stands for every action. */
  actions: string[]
  /** `GithubRepository::"acme/web"`, or `in GithubOwner::"acme"` for what is in it; none stands for everything. */
  resources: string[]
  /** Whether it has conditions, of which more may be required than is told here. */
  conditional: boolean
}

export interface Overview {
  permits: Told[]
  /** Those that forbid until their group has said yes. */
  asks: (Told & { group: string })[]
  forbids: Told[]
}

/** Of an agent that has policies, those whose principal it can be; `about` a resource alone, where one is given. */
export function overview(
  policies: Policies,
  agent: string,
  about?: { vocabulary: Vocabulary; resource: Resource },
): Overview {
  const concerning = (policies.agents.get(agent)?.concerning ?? []).filter(
    ({ json }) => !about || isAbout(json, about.vocabulary, about.resource),
  )
  const told = (policy: ParsedPolicy): Told => ({
    id: policy.path,
    description: policies.descriptions.get(policy.path) ?? null,
    ...scopeOf(policy.json),
  })
  const permits: Told[] = []
  const asks: Overview['asks'] = []
  const forbids: Told[] = []
  for (const policy of concerning) {
    const group = policies.approvals.get(policy.path)
    if (policy.json.effect === 'permit') permits.push(told(policy))
    else if (group === undefined) forbids.push(told(policy))
    else asks.push({ ...told(policy), group })
  }
  return { permits, asks, forbids }
}

function scopeOf(json: PolicyJson): Pick<Told, 'actions' | 'resources' | 'conditional'> {
  const { action, resource, conditions } = json
  const places = placesOf(json).map(({ op, entity }) => {
    const text = entityText({ type: unqualified(entity.type), id: entity.id })
    return op === '==' ? text : `in ${text}`
  })
  return {
    actions: entitiesIn(action).map(({ id }) => id),
    resources: [...(resource.op === 'is' ? [`is ${unqualified(resource.entity_type)}`] : []), ...places],
    conditional: conditions.length > 0,
  }
}
