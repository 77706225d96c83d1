/** What a workload's token claims, held against a configuration. */
import { nearest } from '../../agents/nearest.ts'
import { asOwned } from '../../agents/registry.ts'
import type { RuleSet } from '../../config/rules.ts'
import { decode } from '../../identity/decode.ts'
import { claimedPrincipal } from '../../identity/principal.ts'
import { Failure } from '../failure.ts'
import { missLines } from '../nearest.ts'
import { needBrokersNode } from '../node.ts'
import { workloadIdentity } from '../options.ts'
import { readRules } from '../policy/question.ts'
import { readTokenClaims } from '../token-claims.ts'

export interface Options {
  config: string
  tokenFile?: string
  audience?: string
  json?: boolean
}

/** Whether the broker would take it, and what there is to see. @throws Failure */
export async function heldAgainst(options: Options) {
  needBrokersNode('`mayfly whoami` with a configuration')
  const { rules } = await readRules(options.config)
  const token = await workloadIdentity({ ...options, url: rules.url })
  return lookAt(rules, claimsOf(token), Math.floor(Date.now() / 1000))
}

/** @throws Failure */
function claimsOf(token: string): Record<string, unknown> {
  try {
    return decode(token).claims
  } catch (error) {
    throw new Failure(
      'failed',
      error instanceof Error ? error.message : 'this is no token',
      'Give a JWT in its compact form, as the issuer hands it out.',
    )
  }
}

/** `now` in seconds. */
function lookAt(rules: RuleSet, claims: Record<string, unknown>, now: number) {
  const { issuer, audiences, expected, faults } = readTokenClaims(rules, claims, now)
  const principal = claimedPrincipal(issuer?.name ?? '', claims)
  const matching = issuer ? rules.agents.matching(principal) : []
  const agents = matching.map(({ name }) => name)
  const owned = matching.map((agent) => ({ name: agent.name, ...asOwned(agent, principal) }))
  const miss = issuer && agents.length === 0 ? nearest(rules.agents, principal) : undefined
  const iss = typeof claims['iss'] === 'string' ? claims['iss'] : ''
  return {
    accepted: Object.keys(faults).length === 0 && owned.some((each) => 'agent' in each),
    view: {
      issuer: issuer?.name ?? null,
      iss,
      subject: principal.subject,
      audiences,
      audiences_expected: expected,
      expired: faults.age !== undefined,
      agents,
      owners: Object.fromEntries(owned.map((each) => [each.name, 'agent' in each ? each.agent.owner : null])),
      nearest: miss ?? null,
      signature: 'not checked',
    },
    lines: [
      `issuer    ${issuer ? `${issuer.name} (${issuer.issuer})` : `${iss || 'none'}: ${faults.issuer}`}`,
      `subject   ${principal.subject}`,
      `audience  ${audiences.join(', ') || 'none'}${faults.audience ? `: ${faults.audience}` : ''}`,
      `age       ${faults.age ?? 'current'}`,
      `agent     ${agents.join(', ') || 'none'}${agents.length > 1 ? ': the workload has to name one of them (`agent`)' : ''}`,
      ...owned.map((each) =>
        'agent' in each
          ? `owner     ${each.agent.owner} of ${each.name}`
          : `owner     none: ${each.refused.message}`,
      ),
      ...(miss ? missLines(miss) : []),
      'The signature was not checked.',
    ],
  }
}
