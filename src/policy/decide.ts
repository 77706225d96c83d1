/** Whether policy allows what a task asks for, and whose approval it needs. */
import type { Denial } from '../base/errors.ts'
import {
  type AuthorizationRequest,
  type Class,
  classesOf,
  type Entity,
  type Revocation,
} from '../provider/terms.ts'
import { atOnce, inTurns, type Steps } from '../base/turns.ts'
import type { Policies } from './compile.ts'
import { evaluation, type Evaluate, type Facts, likeness, type Question } from './evaluate.ts'

export { hangsOn, type Facts } from './evaluate.ts'

/** What one authorization detail needs. */
export interface Ask {
  /** The configured name of the connection that would mint it. */
  connection: string
  revocation: Revocation
  /** Never empty: a detail that needs nothing is denied. */
  requests: AuthorizationRequest[]
}

export type Decision =
  | { outcome: 'allowed' }
  /** Allowed once these groups have said yes too, sorted. */
  | { outcome: 'pending_approval'; approvals: string[] }
  | { outcome: 'denied'; denials: Denial[] }

/** A question, and either the approvals under which the answer is yes, or the policies that say no whoever approves. */
export type Judged = { question: Question } & ({ approvals: ReadonlySet<string> } | { policies: string[] })

/**
 * Decides `asks` together, all or nothing (design §9). Pure: the same arguments
 * give the same decision, and whatever cannot be decided is denied.
 */
export function decide(policies: Policies, facts: Facts, asks: readonly Ask[]): Decision {
  return atOnce(deciding(policies, facts, asks))
}

/** The same while others are served: thousands of policies are asked in turns. */
export async function decideInTurns(
  policies: Policies,
  facts: Facts,
  asks: readonly Ask[],
): Promise<Decision> {
  return await inTurns(deciding(policies, facts, asks))
}

function* deciding(policies: Policies, facts: Facts, asks: readonly Ask[]): Steps<Decision> {
  // Nothing asked leaves nothing to forbid, and must not pass for allowed.
  if (asks.length === 0 || asks.some(({ requests }) => requests.length === 0)) {
    return { outcome: 'denied', denials: [] }
  }
  const judged = yield* judging(policies, facts, asks)
  const refused = judged.filter((each) => 'policies' in each)
  if (refused.length > 0) return { outcome: 'denied', denials: denials(policies, refused) }

  const needed = judged.flatMap((each) => ('approvals' in each ? [...each.approvals] : []))
  const missing = [...new Set(needed)].filter((group) => !facts.approvals.includes(group))
  return missing.length === 0
    ? { outcome: 'allowed' }
    : { outcome: 'pending_approval', approvals: missing.toSorted() }
}

/** The same text for facts with which `asks` are decided alike under these policies. */
export function alike(policies: Policies, facts: Facts, asks: readonly Ask[]): string {
  return likeness(policies, facts, heldWith(facts, asks))
}

/** What refuses `asks` as things stand, whoever might yet approve: empty when they are allowed. */
export async function refusals(policies: Policies, facts: Facts, asks: readonly Ask[]): Promise<Denial[]> {
  return await inTurns(refusing(policies, facts, asks))
}

function* refusing(policies: Policies, facts: Facts, asks: readonly Ask[]): Steps<Denial[]> {
  const evaluate = evaluation(policies, facts, heldWith(facts, asks))
  const given = new Set(facts.approvals)
  const refused: Refused[] = []
  for (const question of asks.flatMap(questionsOf)) {
    const verdict = yield* evaluate(question, given)
    if (!verdict.allowed) refused.push({ question, policies: verdict.policies })
  }
  return denials(policies, refused)
}

/** What comes of each question that `asks` raise, given that all of them are asked together. */
export function judge(policies: Policies, facts: Facts, asks: readonly Ask[]): Judged[] {
  return atOnce(judging(policies, facts, asks))
}

function* judging(policies: Policies, facts: Facts, asks: readonly Ask[]): Steps<Judged[]> {
  const evaluate = evaluation(policies, facts, heldWith(facts, asks))
  const given = new Set(facts.approvals)
  const judged: Judged[] = []
  for (const question of asks.flatMap(questionsOf))
    judged.push({ question, ...(yield* withApprovals(evaluate, question, given, policies.approvals)) })

  const needed = new Set(given)
  for (const each of judged) {
    if ('policies' in each) return judged
    for (const group of each.approvals) needed.add(group)
  }
  if (needed.size === given.size) return judged
  const again: Judged[] = []
  for (const each of judged) {
    const verdict = yield* evaluate(each.question, needed)
    again.push(verdict.allowed ? each : { question: each.question, policies: verdict.policies })
  }
  return again
}

/** The classes that the agent would hold with what it asks for. */
export function heldWith({ held }: Facts, asks: readonly Ask[]): ReadonlySet<Class> {
  return new Set([...held, ...asks.flatMap(({ requests }) => classesOf(requests))])
}

export function questionsOf({ requests, ...through }: Ask): Question[] {
  return requests.flatMap((request) => {
    const { resource, context = {} } = request
    return [
      { ...through, action: request, resource, context, needsPermit: true },
      ...request.implied.map((action) => ({ ...through, action, resource, context, needsPermit: false })),
    ]
  })
}

/** The approvals under which the answer is yes, those given among them, or the policies that say no whoever approves. */
function* withApprovals(
  evaluate: Evaluate,
  question: Question,
  given: ReadonlySet<string>,
  groups: Policies['approvals'],
): Steps<{ approvals: ReadonlySet<string> } | { policies: string[] }> {
  let approvals = given
  for (;;) {
    const verdict = yield* evaluate(question, approvals)
    if (verdict.allowed) return { approvals }
    const asking = verdict.policies.flatMap((id) => groups.get(id) ?? [])
    const more = new Set([...approvals, ...asking])
    // Each round must bring a group, or it would go on for ever.
    if (verdict.failed || asking.length < verdict.policies.length || more.size === approvals.size) {
      return { policies: verdict.policies }
    }
    approvals = more
  }
}

type Refused = Extract<Judged, { policies: string[] }>

/** One denial for each action and resource, however many details asked for it. */
function denials({ descriptions }: Policies, refused: readonly Refused[]): Denial[] {
  const pairs = Map.groupBy(refused, ({ question: { action, resource } }) =>
    JSON.stringify([action.action, resource.type, resource.id]),
  )
  return [...pairs.values()].flatMap((same) => {
    const [first] = same
    if (!first) return []
    const { action, resource } = first.question
    const policies = [...new Set(same.flatMap((each) => each.policies))].toSorted()
    const described = policies.flatMap((id) => {
      const text = descriptions.get(id)
      return text === undefined ? [] : [[id, text]]
    })
    return [
      {
        action: action.action,
        resource: entityText(resource),
        policies,
        ...(described.length > 0 && { descriptions: Object.fromEntries(described) }),
      },
    ]
  })
}

/** In Cedar's notation without the namespace: `GithubRepository::"acme/web"`. */
export function entityText({ type, id }: Entity): string {
  return `${type}::${JSON.stringify(id)}`
}
