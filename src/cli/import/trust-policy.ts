/** A trust policy of octo-sts: its form, and the rules of an agent that let in no one whom it does not. */
import { z } from 'zod'
import { requests } from '../../../providers/github/requests.ts'
import { githubDetail } from '../../../providers/github/detail.ts'
import { matchRule } from '../../agents/match.ts'
import { stsGrant } from '../../agents/sts.ts'
import { tenancyFault } from '../../agents/tenancy.ts'
import { faultTexts } from '../../base/issues.ts'
import { type Platform, platformAt } from '../../identity/platforms.ts'
import type { Entity } from '../../provider/terms.ts'
import { exactly, Inexpressible, patternsOf } from './regexp.ts'

/** Where a policy stands. */
export interface Place {
  /** Of the file, as it was found. */
  file: string
  owner: string
  repository: string
  /** The name of its file, by which clients ask. */
  identity: string
}

/** What becomes of one. */
export interface Translated {
  /** The URLs of its issuers, each with the rules on its tokens, to which the name of the issuer is missing. */
  rules: { issuer: string; rules: Record<string, unknown>[] }[]
  /** The audience that it names, where it names one. */
  audiences: string[] | undefined
  scope: string
  detail: { type: 'github'; repositories: string[]; permissions: Record<string, string> }
  /** What policy has to permit. */
  permits: { action: string; resource: Entity }[]
  narrowed: string[]
}

/** YAML reads `123` and `true` as what they look like; to the original both are text. */
const text = z.union([z.string(), z.boolean(), z.int()]).transform(String)

/** https://github.com/octo-sts/app: `repositories` stands only in the policies of an organization. */
const form = z.strictObject({
  issuer: z.string().min(1).optional(),
  issuer_pattern: z.string().min(1).optional(),
  subject: z.string().min(1).optional(),
  subject_pattern: z.string().min(1).optional(),
  audience: z.string().min(1).optional(),
  audience_pattern: z.string().min(1).optional(),
  claim_pattern: z
    .custom<object>(
      // z.record drops this key silently, and a rule with one condition less matches more.
      (value) => typeof value === 'object' && value !== null && !Object.hasOwn(value, '__proto__'),
    )
    .pipe(z.record(z.string(), text))
    .optional(),
  permissions: z.record(z.string(), z.string()).optional(),
  repositories: z.array(z.string()).optional(),
})

/** The most rules that an agent should have. */
const mostRules = 100

/**
 * `domain`: the audience of policies that name none. Undefined where that is not known; tokens then
 * may have any audience that the broker takes.
 *
 * @throws Inexpressible
 */
export function translate(value: Record<string, unknown>, place: Place, domain?: string): Translated {
  if (!stsGrant.shape.identity.safeParse(place.identity).success)
    throw new Inexpressible('its name has characters that no name of an agent has')
  const parsed = form.safeParse(value)
  if (!parsed.success) throw new Inexpressible(faultTexts(parsed.error).join('; '))
  const policy = parsed.data
  const narrowed: string[] = []
  /** Of one of two keys, of which a policy has one. */
  const either = (key: 'issuer' | 'subject' | 'audience', colons = false): string[] | undefined => {
    const [exact, pattern] = [policy[key], policy[`${key}_pattern`]]
    if (exact !== undefined && pattern !== undefined)
      throw new Inexpressible(`${key} and ${key}_pattern are both there`)
    if (exact !== undefined) return [inKey(key, () => exactly(exact))]
    return pattern === undefined ? undefined : expanded(`${key}_pattern`, pattern, colons)
  }
  const expanded = (key: string, pattern: string, colons = false): string[] => {
    const { patterns, narrowed: lost } = inKey(key, () => patternsOf(pattern, { colons }))
    narrowed.push(...lost.map((each) => `${key}: ${each}`))
    return patterns
  }

  const issuers = either('issuer')
  if (!issuers) throw new Inexpressible('issuer is missing')
  if (issuers.some((each) => each.includes('*')))
    throw new Inexpressible('issuer_pattern: stands for more issuers than can be named')
  const subjects = either('subject', true)
  if (!subjects) throw new Inexpressible('subject is missing')
  const audiences = either('audience')
  if (audiences?.some((each) => each.includes('*')))
    throw new Inexpressible('audience_pattern: stands for more audiences than can be named')
  const accepted = audiences ?? (domain === undefined ? undefined : [domain])
  const claims: Record<string, string[]> = accepted ? { aud: accepted } : {}
  for (const [name, pattern] of Object.entries(policy.claim_pattern ?? {})) {
    if (name === 'aud') throw new Inexpressible('claim_pattern.aud: is a list in most tokens')
    if (name.startsWith('/')) throw new Inexpressible(`claim_pattern.${name}: would be a JSON Pointer`)
    claims[name] = expanded(`claim_pattern.${name}`, pattern)
  }
  if (issuers.length * subjects.length > mostRules)
    throw new Inexpressible(`subject_pattern: is more than ${mostRules} values`)
  const rules = issuers.map((issuer) => ({
    issuer,
    rules: subjects.map((subject) =>
      checked({ subject, ...(Object.keys(claims).length > 0 && { claims }), strict_claims: true }, issuer),
    ),
  }))
  return { rules, audiences, narrowed, ...granted(policy, place) }
}

function inKey<T>(key: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof Inexpressible) throw new Inexpressible(`${key}: ${error.message}`)
    throw error
  }
}

/** The rule, if a configuration may have it. */
function checked(rule: Record<string, unknown>, issuer: string): Record<string, unknown> {
  const parsed = matchRule.safeParse({ issuer, ...rule })
  if (!parsed.success) throw new Inexpressible(faultTexts(parsed.error).join('; '))
  const platform: Platform | undefined = platformAt(issuer)
  const fault = platform && tenancyFault(platform.tenancy, platform.name, parsed.data)
  if (fault) throw new Inexpressible(fault.message)
  return rule
}

function granted(
  { permissions = {}, repositories: listed }: z.output<typeof form>,
  { owner, repository }: Place,
): Pick<Translated, 'scope' | 'detail' | 'permits'> {
  const ofOwner = repository === '.github'
  if (listed && !ofOwner)
    throw new Inexpressible('repositories: stands in the policies of an organization only')
  if (ofOwner && !listed?.length)
    throw new Inexpressible(
      `repositories: every repository of ${owner} is meant, and a credential of Mayfly's names its repositories`,
    )
  const names = listed?.map((name) => `${owner}/${name}`) ?? [`${owner}/${repository}`]
  const detail = { type: 'github' as const, repositories: names, permissions }
  const parsed = githubDetail.safeParse(detail)
  if (!parsed.success) throw new Inexpressible(faultTexts(parsed.error).join('; '))
  return {
    scope: ofOwner ? owner : `${owner}/${repository}`,
    detail,
    permits: requests(parsed.data, 'github.com').map(({ action, resource: { type, id } }) => ({
      action,
      resource: { type, id },
    })),
  }
}
