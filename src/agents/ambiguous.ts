/** Rules of several agents that one token may match: who holds it can be either. */
import type { Agent } from './agent.ts'
import { type ClaimRule, type MatchRule, mayBothMatch, pinned, requirements } from './match.ts'

/** One rule of an agent, and the agents before it of which a token that matches the rule may match one too. */
export interface Ambiguity {
  agent: Agent
  /** Which of its rules. */
  at: number
  others: string[]
}

interface Placed {
  agent: Agent
  at: number
  rule: MatchRule
  /** Its agent's place among all. */
  order: number
  pins: ReadonlyMap<string, string>
}

/** Every ambiguity among `agents`, each pair of agents at the later one. */
export function* ambiguities(agents: Iterable<Agent>): Generator<Ambiguity> {
  const rules = [...agents].flatMap((agent, order) =>
    agent.match.map((rule, at): Placed => ({ agent, at, rule, order, pins: pinsOf(requirements(rule)) })),
  )
  for (const ofIssuer of Map.groupBy(rules, ({ rule }) => rule.issuer).values()) {
    const near = neighbours(ofIssuer)
    for (const placed of ofIssuer) {
      const others = near(placed).filter(
        (other) => other.order < placed.order && mayBothMatch(other.rule, placed.rule),
      )
      if (others.length > 0)
        yield {
          agent: placed.agent,
          at: placed.at,
          others: [...new Set(others.map(({ agent }) => agent.name))],
        }
    }
  }
}

/** The claims that a rule pins to one value, which it then is. */
function pinsOf(required: readonly ClaimRule[]): Map<string, string> {
  return new Map(
    required.flatMap((requirement) => {
      const value = pinned(requirement)
      return value === undefined ? [] : [[requirement.name, value]]
    }),
  )
}

/**
 * For a rule, few others that are sure to hold all that may match a token with
 * it: thousands of agents have millions of pairs, nearly all of which pin one
 * claim to different values.
 */
function neighbours(rules: readonly Placed[]): (placed: Placed) => readonly Placed[] {
  const names = new Set(rules.flatMap(({ pins }) => [...pins.keys()]))
  const byClaim = [...names].map((name) => ({
    name,
    byValue: Map.groupBy(rules, ({ pins }) => pins.get(name)),
  }))
  return ({ pins }) => {
    let fewest = rules
    for (const { name, byValue } of byClaim) {
      if (!pins.has(name)) continue
      const [same, unpinned] = [byValue.get(pins.get(name)) ?? [], byValue.get(undefined) ?? []]
      if (same.length + unpinned.length < fewest.length) fewest = [...same, ...unpinned]
    }
    return fewest
  }
}
