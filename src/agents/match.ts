/** Which principals a rule is about (design §8). Agents and admins are matched alike. */
import { z } from 'zod'
import { claimTexts } from '../identity/claim-texts.ts'
import type { Principal } from '../identity/principal.ts'
import { compilePattern, matchesPattern, overlap, type Pattern } from './pattern.ts'

/** A claim that must be there, and what it must be. */
export interface ClaimRule {
  readonly name: string
  readonly pattern: Pattern
}

/** All of it must hold. A rule always has a subject or a claim: without either it would be a whole issuer. */
export interface MatchRule {
  /** The issuer's configured name. */
  readonly issuer: string
  readonly subject: Pattern | undefined
  readonly claims: readonly ClaimRule[]
}

const patternText = z
  .string()
  .min(1)
  .max(1024)
  // Elsewhere `**` crosses separators. Here nothing does, and a rule must not look wider than it is.
  .refine((text) => !text.includes('**'), {
    error: '`**` is not a wildcard',
    params: { remedy: 'Write one `*` for each part: it stands for characters other than `/` and `:`.' },
  })

/** YAML reads `123` and `true` as what they look like; an issuer may send the same claim as text. */
const claimText = z
  .custom<string | number | boolean>(
    (value) => typeof value === 'string' || typeof value === 'boolean' || Number.isSafeInteger(value),
    {
      error: 'a claim is compared with a string, a boolean or a safe integer',
      params: { remedy: 'Write the value in quotes.' },
    },
  )
  .transform(String)
  .pipe(patternText)

const claimRules = z
  // z.record drops this key silently, and a rule with one condition less matches more.
  .custom<Record<string, unknown>>((value) => !hasPrototypeKey(value), {
    error: '`__proto__` is not a claim',
    params: { remedy: 'Remove it.' },
  })
  .pipe(z.record(z.string().min(1), claimText))
  .transform((claims): readonly ClaimRule[] =>
    Object.freeze(
      Object.entries(claims).map(([name, text]) => Object.freeze({ name, pattern: compilePattern(text) })),
    ),
  )

/** The keys of a rule, for whatever else stands beside them. */
export const matchFields = {
  issuer: z.string().min(1),
  subject: patternText.transform(compilePattern).optional(),
  claims: claimRules.optional(),
}

interface WrittenRule {
  issuer: string
  subject?: Pattern | undefined
  claims?: readonly ClaimRule[] | undefined
}

/** To be refined with on any object of `matchFields`. */
export function namesSomeone({ subject, claims }: WrittenRule): boolean {
  return subject !== undefined || (claims !== undefined && claims.length > 0)
}

export const namesNobody = {
  error: 'a rule needs a subject or at least one claim: it would match every token of the issuer',
  params: { remedy: 'Add `subject` or `claims`.' },
}

export function compileRule({ issuer, subject, claims = [] }: WrittenRule): MatchRule {
  return Object.freeze({ issuer, subject, claims: Object.freeze(claims) })
}

export const matchRule = z.strictObject(matchFields).refine(namesSomeone, namesNobody).transform(compileRule)

/** Whether `principal` satisfies all of `rule`. */
export function matches(rule: MatchRule, principal: Principal): boolean {
  return (
    rule.issuer === principal.issuer &&
    (rule.subject === undefined || matchesPattern(rule.subject, principal.subject)) &&
    rule.claims.every(({ name, pattern }) =>
      claimTexts(Object.hasOwn(principal.claims, name) ? principal.claims[name] : undefined).some((text) =>
        matchesPattern(pattern, text),
      ),
    )
  )
}

/** Claims that issuers send as lists: a token may hold one element that one rule asks for, and another's. */
const lists: ReadonlySet<string> = new Set([
  'aud',
  'amr',
  'cognito:groups',
  'entitlements',
  'groups',
  'permissions',
  'roles',
  'scp',
  'teams',
  'wids',
])

/** Whether some principal could satisfy both. May err towards yes: what an issuer's claims have to do with each other is not known. */
export function mayBothMatch(a: MatchRule, b: MatchRule): boolean {
  if (a.issuer !== b.issuer) return false
  const others = requirements(b)
  return requirements(a).every(
    ({ name, pattern }) =>
      lists.has(name) || others.every((other) => other.name !== name || overlap(pattern, other.pattern)),
  )
}

/** All that the rule requires, its subject as the claim that it is. */
export function requirements({ subject, claims }: MatchRule): readonly ClaimRule[] {
  return subject ? [{ name: 'sub', pattern: subject }, ...claims] : claims
}

/** A claim that can have no second value beside this one, as the whole value that the rule requires. */
export function pinned({ name, pattern }: ClaimRule): string | undefined {
  return pattern.literals.length === 1 && !lists.has(name) ? pattern.text : undefined
}

function hasPrototypeKey(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, '__proto__')
}
