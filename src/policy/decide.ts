/** Whether policy allows what a task asks for, and whose approval it needs. */
import type { Denial } from '../errors.ts'
import type { AuthorizationRequest, Revocation } from '../provider.ts'
import type { Policies } from './compile.ts'
import { evaluation, type Evaluate, type Facts, type Question } from './evaluate.ts'

export type { Facts } from './evaluate.ts'

/** What one authorization detail needs. */
export interface Ask {
  revocation: Revocation
  /** Never empty: a detail that needs nothing is denied. */
  requests: AuthorizationRequest[]
}

export type Decision =
  | { outcome: 'allowed' }
  /** Allowed once these groups have said yes too, sorted. */
  | { outcome: 'pending_approval'; approvals: string[] }
  | { outcome: 'denied'; denials: Denial[] }

/**
 * Decides `asks` together, all or nothing (design §9). Pure: the same arguments
 * give the same decision, and whatever cannot be decided is denied.
 */
export function decide(policies: Policies, facts: Facts, asks: readonly Ask[]): Decision {
  // Nothing asked leaves nothing to forbid, and must not pass for allowed.
  if (asks.length === 0 || asks.some(({ requests }) => requests.length === 0)) {
    return { outcome: 'denied', denials: [] }
  }
  const asked = asks.flatMap(({ requests }) => requests.map((request) => request.class))
  const evaluate = evaluation(policies, facts, new Set([...facts.held, ...asked]))
  const given = new Set(facts.approvals)

  const needed = new Set(given)
  const refused: Refused[] = []
  const questions = asks.flatMap(questionsOf)
  for (const question of questions) {
    const outcome = withApprovals(evaluate, question, given, policies.approvals)
    if ('approvals' in outcome) for (const group of outcome.approvals) needed.add(group)
    else refused.push({ question, policies: outcome.policies })
  }
  if (refused.length === 0 && needed.size > given.size) {
    for (const question of questions) {
      const verdict = evaluate(question, needed)
      if (!verdict.allowed) refused.push({ question, policies: verdict.policies })
    }
  }

  if (refused.length > 0) return { outcome: 'denied', denials: denials(refused) }
  const missing = [...needed].filter((group) => !given.has(group))
  return missing.length === 0
    ? { outcome: 'allowed' }
    : { outcome: 'pending_approval', approvals: missing.toSorted() }
}

function questionsOf({ revocation, requests }: Ask): Question[] {
  return requests.flatMap((request) => {
    const { resource, context = {} } = request
    return [
      { action: request, resource, revocation, context, needsPermit: true },
      ...request.implied.map((action) => ({ action, resource, revocation, context, needsPermit: false })),
    ]
  })
}

/** The approvals under which the answer is yes, those given among them, or the policies that say no whoever approves. */
function withApprovals(
  evaluate: Evaluate,
  question: Question,
  given: ReadonlySet<string>,
  groups: Policies['approvals'],
): { approvals: ReadonlySet<string> } | { policies: string[] } {
  let approvals = given
  for (;;) {
    const verdict = evaluate(question, approvals)
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

interface Refused {
  question: Question
  policies: string[]
}

/** One denial for each action and resource, however many details asked for it. */
function denials(refused: readonly Refused[]): Denial[] {
  const pairs = Map.groupBy(refused, ({ question: { action, resource } }) =>
    JSON.stringify([action.action, resource.type, resource.id]),
  )
  return [...pairs.values()].flatMap((same) => {
    const [first] = same
    if (!first) return []
    const { action, resource } = first.question
    return [
      {
        action: action.action,
        resource: `${resource.type}::${JSON.stringify(resource.id)}`,
        policies: [...new Set(same.flatMap(({ policies }) => policies))].toSorted(),
      },
    ]
  })
}
