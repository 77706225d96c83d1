/** A question to policy as its authors put it, without a token or a task. */
import { readFileSync } from 'node:fs'
import { providers } from '../../../providers/catalog.ts'
import { isReviewed } from '../../agents/review-date.ts'
import type { Agent } from '../../agents/agent.ts'
import { ownerFor } from '../../agents/owner.ts'
import { matches, type MatchRule } from '../../agents/match.ts'
import { type NearMiss, nearest, partlyMatches } from '../../agents/nearest.ts'
import { systemClock } from '../../base/clock.ts'
import { meant } from '../../config/parse.ts'
import { loadRules, type RuleSet } from '../../config/rules.ts'
import type { Fault } from '../../base/fault.ts'
import { decode, parseClaims } from '../../identity/decode.ts'
import { claimedPrincipal } from '../../identity/principal.ts'
import { issuerOf } from '../../identity/verify.ts'
import type { Facts } from '../../policy/decide.ts'
import { type Explanation, explain } from '../../policy/explain.ts'
import type { Class } from '../../provider/terms.ts'
import { askOf } from '../../tasks/facts.ts'
import { ttlFor } from '../../tasks/ttl.ts'
import { Failure, FaultyConfiguration } from '../failure.ts'
import { missLines } from '../nearest.ts'

export interface Question {
  agent: string
  /** RFC 9396 details, as a task would ask for them. */
  scope: readonly unknown[]
  /** Seconds. */
  ttl?: number | undefined
  purpose?: string | undefined
  context?: Record<string, string> | undefined
  /** Of the token that it would come with. */
  claims?: Record<string, unknown> | undefined
  /** Whether these claims are only some of it, the rest being as a rule has them. Default: they are. */
  partly?: boolean
  /** Groups that have said yes. */
  approved?: readonly string[] | undefined
  /** Classes of what the agent holds already. */
  held?: readonly Class[] | undefined
}

export interface Explained {
  agent: Agent
  /** Whoever answers for it; undefined where the claims that were given do not show it. */
  owner: string | undefined
  /** Seconds. */
  ttl: number
  explanation: Explanation
  /** Where claims that were given differ from the nearest rule of the agent, which none of them matches. */
  stranger: NearMiss | undefined
  /** What was assumed, or would be refused before policy is asked. */
  notes: string[]
}

/** The rules of the configuration `file`, and what does not stop a start. @throws FaultyConfiguration */
export async function readRules(file: string): Promise<{ rules: RuleSet; warnings: Fault[] }> {
  const { rules, faults } = await loadRules(file, { providers, clock: systemClock() })
  if (!rules) throw new FaultyConfiguration(faults)
  return { rules, warnings: faults }
}

/** @throws Failure for an agent that is not there. */
export function agentNamed({ agents }: RuleSet, name: string): Agent {
  const agent = agents.get(name)
  if (agent) return agent
  const known = [...agents].map((each) => each.name)
  throw new Failure('failed', `there is no agent ${name}`, meant(name, known))
}

/** @throws Failure for an agent that is not there; BrokerError `invalid_request` for what no task could ask. */
export function explainQuestion(rules: RuleSet, question: Question): Explained {
  const agent = agentNamed(rules, question.agent)
  const ttl = ttlFor(agent, question.ttl)
  const owner = ownerFor(agent.owner, { claims: question.claims ?? {} })
  const asks = rules.connections.resolveAll(question.scope, 'scope').map(askOf)
  const facts: Facts = {
    agent: { name: agent.name, owner: owner ?? '', environment: agent.environment },
    principal: principalOf(rules, agent, question.claims),
    purpose: question.purpose ?? '',
    ttl,
    depth: 0,
    request: question.context ?? {},
    held: [...(question.held ?? [])],
    approvals: [...(question.approved ?? [])],
  }
  const explanation = explain(rules.policies, facts, asks)
  const stranger =
    question.claims && strangerTo(agent, facts.principal.issuer, question.claims, question.partly)
  const { partly = true } = question
  const unowned = owner === undefined && !partly
  const notes = [
    ...(stranger ? missLines(stranger) : []),
    ...(owner === undefined ? [unownedNote(agent)] : []),
    ...notesOn(rules, agent, question),
  ]
  const explained = { agent, owner, ttl, stranger, notes }
  if (!stranger && !unowned) return { ...explained, explanation }
  return {
    ...explained,
    explanation: { ...explanation, decision: { outcome: 'denied', denials: [] } },
  }
}

function unownedNote({ owner }: Agent): string {
  const claim = typeof owner === 'string' ? owner : owner.claim
  return `its owner is whoever the verified claim ${claim} names, and the claims given name none: its requests are refused, and policies about an owner were decided as for nobody's`
}

/** Where the claims differ from the agent's nearest rule, if they match none: policy is never asked then. */
function strangerTo(
  agent: Agent,
  issuer: string,
  claims: Record<string, unknown>,
  partly = true,
): NearMiss | undefined {
  const principal = claimedPrincipal(issuer, claims)
  const fits = (rule: MatchRule) => (partly ? partlyMatches(rule, principal) : matches(rule, principal))
  if (agent.match.some(fits)) return undefined
  return (
    nearest([agent], principal, partly) ?? {
      agent: agent.name,
      rule: 'match',
      claim: 'iss',
      expected: [...new Set(agent.match.map((rule) => rule.issuer))],
      found: issuer === '' ? [] : [issuer],
      otherForm: false,
    }
  )
}

/** The agent that these claims match, or whose rule comes nearest to them. @throws Failure where no rule is of their issuer. */
export function agentByClaims(rules: RuleSet, claims: Record<string, unknown>): string {
  const principal = claimedPrincipal(issuerOf(claims, rules.issuers)?.name ?? '', claims)
  const [agent] = rules.agents.matching(principal)
  const name = agent?.name ?? nearest(rules.agents, principal)?.agent
  if (name !== undefined) return name
  throw new Failure(
    'failed',
    'no agent has a rule on the issuer of these claims',
    'Name the agent with --agent, or look at the `iss` of the claims.',
  )
}

/** Without claims, who the agent's first rule says, as far as it does. */
function principalOf(rules: RuleSet, agent: Agent, claims: Question['claims'] = {}): Facts['principal'] {
  const { iss, sub } = claims
  const issuer = typeof iss === 'string' ? rules.issuers.get(iss)?.name : undefined
  const [rule] = agent.match
  return {
    issuer: issuer ?? rule?.issuer ?? '',
    subject: typeof sub === 'string' ? sub : (rule?.subject?.text ?? ''),
    claims,
  }
}

function* notesOn(rules: RuleSet, agent: Agent, { claims, approved = [] }: Question): Generator<string> {
  if (!isReviewed(agent, Date.now()))
    yield `its review date ${agent.reviewBy} has passed: its requests are refused before policy is asked`
  const read = rules.policies.agents.get(agent.name)?.claims
  if (read === 'all' && !claims) yield 'its policies read claims, and none were given'
  else if (read instanceof Set) {
    const missing = [...read].filter((name) => !Object.hasOwn(claims ?? {}, name))
    if (missing.length > 0) yield `its policies read claims that were not given: ${missing.join(', ')}`
  }
  const groups = new Set(rules.policies.approvals.values())
  for (const group of approved) if (!groups.has(group)) yield `no policy asks for the approval of ${group}`
  const iss = claims?.['iss']
  if (typeof iss === 'string' && !rules.issuers.has(iss))
    yield 'the iss of the claims is not a configured issuer: its tokens are refused before policy is asked'
}

/** The claims of the token in `file`, whose signature nobody checks. @throws Failure */
export function readToken(file: string): Record<string, unknown> {
  try {
    return decode(readFileSync(file, 'utf8').trim()).claims
  } catch {
    throw new Failure(
      'failed',
      `${file} cannot be read as a token`,
      'Give a file with a JWT in its compact form, as the issuer hands it out.',
    )
  }
}

/** A JSON object, as a token's payload. @throws Failure */
export function readClaims(file: string): Record<string, unknown> {
  let claims: unknown
  try {
    claims = parseClaims(readFileSync(file, 'utf8'))
  } catch {
    claims = undefined
  }
  if (typeof claims === 'object' && claims !== null && !Array.isArray(claims))
    return claims as Record<string, unknown>
  throw new Failure(
    'failed',
    `${file} cannot be read as a JSON object`,
    'Write the claims of a token into it, as {"iss": "…", "sub": "…"}.',
  )
}
