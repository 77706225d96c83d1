/** Which policies want a human's yes, and why. */
import { inTurns, type Steps } from '../base/turns.ts'
import type { Policies } from './compile.ts'
import { type Ask, heldWith, questionsOf } from './decide.ts'
import { evaluation, type Facts } from './evaluate.ts'

/** A policy as people are told of it: its `@id`, and its `@description` where it has one. */
export interface AskingPolicy {
  id: string
  description: string | null
}

/** Those that ask for approvals of `asks`, by the group that they ask; for what is decided to wait for them. */
export async function askers(
  policies: Policies,
  facts: Facts,
  asks: readonly Ask[],
): Promise<Map<string, AskingPolicy[]>> {
  const ids = await inTurns(asking(policies, facts, asks))
  const described = [...ids]
    .toSorted()
    .map((id) => ({ id, description: policies.descriptions.get(id) ?? null }))
  return Map.groupBy(described, ({ id }) => policies.approvals.get(id)!)
}

function* asking(policies: Policies, facts: Facts, asks: readonly Ask[]): Steps<Set<string>> {
  const evaluate = evaluation(policies, facts, heldWith(facts, asks))
  const found = new Set<string>()
  for (const question of asks.flatMap(questionsOf)) {
    // An approval can bring another policy into play, which asks another group.
    for (const approvals = new Set(facts.approvals); ;) {
      const verdict = yield* evaluate(question, approvals)
      const before = approvals.size
      for (const id of verdict.allowed ? [] : verdict.policies) {
        const group = policies.approvals.get(id)
        if (group === undefined) continue
        found.add(id)
        approvals.add(group)
      }
      if (approvals.size === before) break
    }
  }
  return found
}
