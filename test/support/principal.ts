import { type compileRule, matches, matchRule } from '../../src/agents/match.ts'
import { agentFile, type Agent } from '../../src/agents/agent.ts'
import { newId } from '../../src/base/id.ts'
import { recordedPrincipal, type Principal } from '../../src/identity/principal.ts'
import type { VerifiedToken } from '../../src/identity/verify.ts'

/** A principal as a verified token would make it. */
export function principal(subject: string, claims: Record<string, unknown> = {}, issuer = 'ci'): Principal {
  return recordedPrincipal({ issuer, iss: `https://${issuer}.example`, subject, claims })
}

/** The same as the token that shows it was found to be, good for a minute from `now`, milliseconds since 1970. */
export function verifiedToken(subject: string, now: number): VerifiedToken {
  return {
    principal: principal(subject),
    audiences: [],
    replayKey: newId('req'),
    usableUntil: now + 60_000,
    singleUse: true,
  }
}

/** Whether a rule, as it is written in an agent file, matches. */
export function ruleMatches(rule: object, who: Principal): boolean {
  return matches(matchRule.parse({ issuer: 'ci', ...rule }), who)
}

/** A rule on the issuer `ci`. */
export function rule(written: object): ReturnType<typeof compileRule> {
  return matchRule.parse({ issuer: 'ci', ...written })
}

export function agent(name: string, changes: object = {}): Agent {
  return agentFile.parse({
    name,
    owner: 'platform@acme.example',
    purpose: 'Opens pull requests',
    environment: 'dev',
    review_by: '2027-06-30',
    max_ttl: 3600,
    match: [{ issuer: 'ci', subject: `bot:${name}` }],
    ...changes,
  })
}
