/** Why policy allows something, denies it, or has it wait: policy by policy. */
import type { ClassedAction } from '../provider/terms.ts'
import { atOnce } from '../base/turns.ts'
import type { Policies } from './compile.ts'
import { type Ask, decide, type Decision, entityText, heldWith, type Judged, judge } from './decide.ts'
import { loadPolicies, releasePolicies } from './engine.ts'
import { type Evaluate, evaluation, type Facts, type Question } from './evaluate.ts'
import type { ParsedPolicy } from './parse.ts'

/**
 * The part that one policy has in one answer. `asks_approval`: it forbids until
 * its group has said yes. `approved`: it would, and its group has. `fails`: it
 * cannot be evaluated, which denies.
 */
export type Part = 'permits' | 'forbids' | 'asks_approval' | 'approved' | 'fails' | 'does_not_match'

/** One action on one resource. */
export interface ExplainedRequest {
  /** `github.contents.write` */
  action: string
  /** `GithubRepository::"acme/web"` */
  resource: string
  class: ClassedAction['class']
  /** Included in a higher action: it needs no permit of its own, but must not be forbidden. */
  implied: boolean
  outcome: Decision['outcome']
  /** Groups whose yes is missing, sorted. */
  approvals: string[]
  /** Every policy that can concern the agent, by its `@id`, in order of the files. */
  policies: { id: string; part: Part }[]
}

export interface Explanation {
  decision: Decision
  requests: ExplainedRequest[]
}

/** Decides as `decide` does, and says what part each policy had. For readers: it costs a parse of every policy. */
export function explain(policies: Policies, facts: Facts, asks: readonly Ask[]): Explanation {
  const concerning = policies.agents.get(facts.agent.name)?.concerning ?? []
  // Together the engine names only the policies that decided; alone each has to show its own answer.
  const names = concerning.map(({ path, text }) => loadPolicies(new Map([[path, text]])))
  try {
    const alone = concerning.map((policy, at) => ({
      policy,
      evaluate: evaluation(policies, facts, heldWith(facts, asks), names[at]),
    }))
    const given = new Set(facts.approvals)
    return {
      decision: decide(policies, facts, asks),
      requests: judge(policies, facts, asks).map((judged) => ({
        ...outcomeOf(judged, given),
        policies: alone.map(({ policy, evaluate }) => ({
          id: policy.path,
          part: partOf(policy, evaluate, judged.question, given),
        })),
      })),
    }
  } finally {
    releasePolicies(names)
  }
}

function outcomeOf(judged: Judged, given: ReadonlySet<string>): Omit<ExplainedRequest, 'policies'> {
  const { action, resource, needsPermit } = judged.question
  const needed = 'approvals' in judged ? [...judged.approvals] : []
  const missing = needed.filter((group) => !given.has(group)).toSorted()
  return {
    action: action.action,
    resource: entityText(resource),
    class: action.class,
    implied: !needsPermit,
    outcome: 'policies' in judged ? 'denied' : missing.length > 0 ? 'pending_approval' : 'allowed',
    approvals: missing,
  }
}

function partOf(
  { json }: ParsedPolicy,
  evaluate: Evaluate,
  question: Question,
  given: ReadonlySet<string>,
): Part {
  const asked = { ...question, needsPermit: true }
  const verdict = atOnce(evaluate(asked, given))
  if (verdict.allowed) return 'permits'
  if (verdict.failed) return 'fails'
  const group = json.annotations?.['approval']
  if (verdict.policies.length > 0) return group === undefined ? 'forbids' : 'asks_approval'
  if (group === undefined || !given.has(group)) return 'does_not_match'
  const without = atOnce(evaluate(asked, new Set([...given].filter((other) => other !== group))))
  return !without.allowed && without.policies.length > 0 ? 'approved' : 'does_not_match'
}
