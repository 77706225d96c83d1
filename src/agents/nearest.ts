/** Why an identity matches no agent: the rule that comes nearest to it, and where they part. */
import { claimTexts } from '../identity/claim-texts.ts'
import { claimAt } from '../identity/claims.ts'
import type { Principal } from '../identity/principal.ts'
import type { Agent } from './agent.ts'
import { type ClaimRule, type MatchRule, requirements } from './match.ts'
import { compilePattern, matchesPattern } from './pattern.ts'

/** For an operator: it holds claims, which no caller may be told of a rule. */
export interface NearMiss {
  agent: string
  /** Where the rule stands in the agent's file: `match[0]`. */
  rule: string
  /** The first of its claims that differs; `sub` for the subject. */
  claim: string
  /** What the rule takes. */
  expected: readonly string[]
  /** What the token has; empty where it lacks the claim. */
  found: readonly string[]
  /** Whether the subject is only written in the other of GitHub's two forms, with or without ids. */
  otherForm: boolean
}

/**
 * Of all rules of the principal's issuer that it does not match, the one of which the most
 * holds; of equals, the one whose claim is the most alike. Undefined where there is none. With `partly`, what claims are not there may be anything.
 */
export function nearest(agents: Iterable<Agent>, principal: Principal, partly = false): NearMiss | undefined {
  let best: { miss: NearMiss; rank: readonly number[] } | undefined
  for (const agent of agents)
    for (const [index, rule] of agent.match.entries()) {
      if (rule.issuer !== principal.issuer) continue
      const required = requirements(rule)
      const unmet = required.filter((requirement) => !holds(requirement, principal, partly))
      const [first] = unmet
      if (!first) continue
      const miss = missOf(agent, index, first, principal)
      const rank = [-unmet.length, miss.otherForm ? 1 : 0, required.length - unmet.length, likeness(miss)]
      if (!best || isMore(rank, best.rank)) best = { miss, rank }
    }
  return best?.miss
}

/** Whether the first figure in which they differ is the greater one. */
function isMore(rank: readonly number[], than: readonly number[]): boolean {
  const at = rank.findIndex((figure, index) => figure !== than[index])
  return at >= 0 && rank[at]! > than[at]!
}

/** How many characters what was found and what is taken have in common from the start. */
function likeness({ expected, found }: NearMiss): number {
  const alike = (a: string, b: string) => {
    let length = 0
    while (length < a.length && a[length] === b[length]) length += 1
    return length
  }
  return Math.max(0, ...expected.flatMap((text) => found.map((each) => alike(text, each))))
}

function missOf(agent: Agent, index: number, requirement: ClaimRule, principal: Principal): NearMiss {
  const { name, patterns } = requirement
  return {
    agent: agent.name,
    rule: `match[${index}]`,
    claim: name,
    expected: patterns.map(({ text }) => text),
    found: textsOf(principal, name),
    otherForm: name === 'sub' && patterns.some(({ text }) => sameButForIds(text, principal.subject)),
  }
}

/** Whether the rule matches, as far as the claims that are there tell. */
export function partlyMatches(rule: MatchRule, principal: Principal): boolean {
  return rule.issuer === principal.issuer && requirements(rule).every((each) => holds(each, principal, true))
}

function holds({ name, patterns }: ClaimRule, principal: Principal, partly: boolean): boolean {
  const texts = textsOf(principal, name)
  if (partly && texts.length === 0) return true
  return texts.some((text) => patterns.some((pattern) => matchesPattern(pattern, text)))
}

function textsOf({ subject, claims }: Principal, name: string): string[] {
  if (name === 'sub') return subject === '' ? [] : [subject]
  return claimTexts(claimAt(claims, name))
}

/** Whether both are of one repository's jobs once the ids are left out: `repo:acme@65/web@123:…` beside `repo:acme/web:…`. */
function sameButForIds(pattern: string, subject: string): boolean {
  const [plainPattern, plainSubject] = [pattern, subject].map((text) =>
    text.replace(/^repo:([^:/@]+)(?:@[\d*]+)?\/([^:/@]+)(?:@[\d*]+)?(?=:|$)/, 'repo:$1/$2'),
  ) as [string, string]
  const differ = plainPattern !== pattern || plainSubject !== subject
  return differ && matchesPattern(compilePattern(plainPattern), plainSubject)
}
