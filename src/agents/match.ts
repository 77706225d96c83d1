/** Which principals a rule is about (design §8). Agents and admins are matched alike. */
import { z } from 'zod'
import { shown } from '../base/text.ts'
import { claimTexts } from '../identity/claim-texts.ts'
import { claimAt, pointer } from '../identity/claims.ts'
import type { Principal } from '../identity/principal.ts'
import { compilePattern, matchesPattern, overlap, type Pattern } from './pattern.ts'

/** A claim that must be there, and what it may be: any of the patterns, of which there is at least one. */
export interface ClaimRule {
  readonly name: string
  readonly patterns: readonly Pattern[]
}

/** All of it must hold. A rule always has a subject or a claim: without either it would be a whole issuer. */
export interface MatchRule {
  /** The issuer's configured name. */
  readonly issuer: string
  readonly subject: Pattern | undefined
  readonly claims: readonly ClaimRule[]
  /** Whether each claim has to be one line of text or a boolean (`aud` excepted): a list, a number or a line break matches nothing. */
  readonly strictClaims: boolean
}

const patternText = z
  .string()
  .min(1)
  .max(1024)
  .refine((text) => !text.includes('***'), {
    error: '`***` is not a wildcard',
    params: {
      remedy: 'Write `*` for characters other than `/` and `:`, or `**` for characters other than `:`.',
    },
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

const mostAlternatives = 100

const alternatives = z.union([claimText, z.array(claimText).min(1).max(mostAlternatives)])

/** Claims that are objects wherever they occur: compared as they are, they would never match. */
const objects: ReadonlySet<string> = new Set([
  'act',
  'address',
  'cnf',
  'firebase',
  'google',
  'https://sts.amazonaws.com/',
  'kubernetes.io',
  'may_act',
  'realm_access',
  'resource_access',
])

/** As written: what a claim must be, or, of a claim that is an object, what its members must be. */
export type WrittenClaims = { [name: string]: z.output<typeof alternatives> | WrittenClaims }

const written: z.ZodType<WrittenClaims> = z
  // z.record drops this key silently, and a rule with one condition less matches more.
  .custom<Record<string, unknown>>((value) => !hasPrototypeKey(value), {
    error: '`__proto__` is not a claim',
    params: { remedy: 'Remove it.' },
  })
  .pipe(
    z.record(
      z.string().min(1),
      z.lazy(() => z.union([alternatives, written])),
    ),
  )

const claimRules = written
  .superRefine((claims, context) => {
    for (const [name, value] of Object.entries(claims))
      if (objects.has(name) && (typeof value === 'string' || Array.isArray(value)))
        context.addIssue({
          code: 'custom',
          path: [name],
          continue: false,
          message: 'is an object in every token that has it, and matches nothing',
          params: { remedy: `Name a member of it: \`${pointer([name, 'MEMBER'])}: VALUE\`.` },
        })
  })
  .transform((claims): readonly ClaimRule[] => Object.freeze(rulesOf(claims, [])))

function rulesOf(claims: WrittenClaims, above: readonly string[]): ClaimRule[] {
  return Object.entries(claims).flatMap(([name, value]) => {
    if (typeof value === 'object' && !Array.isArray(value)) return rulesOf(value, [...above, name])
    const patterns = Object.freeze([value].flat().map(compilePattern))
    return [Object.freeze({ name: above.length === 0 ? name : pointer([...above, name]), patterns })]
  })
}

/** The keys of a rule, for whatever else stands beside them. */
export const matchFields = {
  issuer: z.string().min(1).describe('The configured name of the issuer.'),
  strict_claims: z
    .boolean()
    .default(false)
    .describe('Whether a claim must be one line of text or a boolean, and no list or number.'),
  subject: patternText
    .transform(compilePattern)
    .optional()
    .describe('The `sub`, exactly or with * (not / nor :) and ** (not :).'),
  claims: claimRules
    .optional()
    .describe(
      'Claims that must all be there, each one value, a pattern or alternatives; names that begin with / are JSON Pointers.',
    ),
}

interface WrittenRule {
  issuer: string
  subject?: Pattern | undefined
  claims?: readonly ClaimRule[] | undefined
  strict_claims: boolean
}

/** To be refined with on any object of `matchFields`. */
export function namesSomeone({ subject, claims }: WrittenRule): boolean {
  return subject !== undefined || (claims !== undefined && claims.length > 0)
}

export const namesNobody = {
  error: 'a rule needs a subject or at least one claim: it would match every token of the issuer',
  params: { remedy: 'Add `subject` or `claims`.' },
}

export function compileRule({ issuer, subject, claims = [], strict_claims }: WrittenRule): MatchRule {
  return Object.freeze({ issuer, subject, claims: Object.freeze(claims), strictClaims: strict_claims })
}

export const matchRule = z.strictObject(matchFields).refine(namesSomeone, namesNobody).transform(compileRule)

/** Whether `principal` satisfies all of `rule`. */
export function matches(rule: MatchRule, principal: Principal): boolean {
  return (
    rule.issuer === principal.issuer &&
    (!rule.strictClaims || isOneText(principal.subject)) &&
    (rule.subject === undefined || matchesPattern(rule.subject, principal.subject)) &&
    rule.claims.every(({ name, patterns }) => {
      const claim = claimAt(principal.claims, name)
      if (rule.strictClaims && name !== 'aud' && !isOneText(claim)) return false
      return claimTexts(claim).some((text) => patterns.some((pattern) => matchesPattern(pattern, text)))
    })
  )
}

/** A trust policy of octo-sts compares nothing else, and its `.` takes no line break (docs/decisions/0058). */
function isOneText(claim: unknown): boolean {
  return typeof claim === 'boolean' || (typeof claim === 'string' && shown.test(claim))
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
    ({ name, patterns }) =>
      lists.has(name) ||
      others.every(
        (other) => other.name !== name || patterns.some((a) => other.patterns.some((b) => overlap(a, b))),
      ),
  )
}

/** All that the rule requires, its subject as the claim that it is. */
export function requirements({ subject, claims }: MatchRule): readonly ClaimRule[] {
  return subject ? [{ name: 'sub', patterns: [subject] }, ...claims] : claims
}

/** A claim that can have no second value beside this one, as the whole value that the rule requires. */
export function pinned({ name, patterns }: ClaimRule): string | undefined {
  const [only, another] = patterns
  const exact = only?.literals.length === 1 && another === undefined
  return exact && !lists.has(name) ? only.text : undefined
}

function hasPrototypeKey(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, '__proto__')
}
