/** The humans who can look, approve and stop. */
import { z } from 'zod'
import { name } from '../agents/agent.ts'
import {
  compileRule,
  matches,
  matchFields,
  mayBothMatch,
  namesNobody,
  namesSomeone,
  requirements,
  type ClaimRule,
  type MatchRule,
} from '../agents/match.ts'
import { isAddress, isOfSeveral } from '../agents/owner.ts'
import { matchesPattern } from '../agents/pattern.ts'
import type { Agents } from '../agents/registry.ts'
import type { Issuer } from '../identity/issuer.ts'
import type { Principal } from '../identity/principal.ts'

const rights = ['read', 'approve', 'revoke', 'suspend'] as const
export type Right = (typeof rights)[number]

/** One entry under `admins`. Its name is the group that policy's `@approval` names. */
export interface AdminEntry {
  readonly name: string
  /** Which audiences a token of this entry may have; undefined: those of its issuer. */
  readonly audiences: readonly string[] | undefined
  readonly match: MatchRule
  readonly may: readonly Right[]
}

export const adminEntry = z
  .strictObject({
    name: name.describe('A name for them; the group that @approval in policies names.'),
    ...matchFields,
    audience: z
      .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
      .transform((audience) => Object.freeze([audience].flat()))
      .optional()
      .describe('Whom their tokens must be for. Default: as the issuer says.'),
    may: z
      .array(z.enum(rights))
      .min(1)
      .transform((may) => Object.freeze([...new Set(may)]))
      .describe('read: the lists and the record; approve; revoke; suspend: agents, fences and reloads.'),
  })
  .refine(namesSomeone, namesNobody)
  .transform(({ name, audience: audiences, may, ...rule }): AdminEntry =>
    Object.freeze({ name, audiences, match: compileRule(rule), may }),
  )

/** The rule of an entry, whatever else is in it. */
export const writtenRule = z.object(matchFields).refine(namesSomeone, namesNobody).transform(compileRule)

/** An issuer, as far as admins go. */
type AdminIssuer = Pick<Issuer, 'name' | 'audiences'>

/** The admins of one configuration; immutable. */
export class Admins implements Iterable<AdminEntry> {
  readonly #entries: readonly AdminEntry[]
  readonly #agents: Agents
  readonly #issuers: ReadonlyMap<string, AdminIssuer>

  constructor(entries: Iterable<AdminEntry>, given: { agents: Agents; issuers: Iterable<AdminIssuer> }) {
    this.#entries = [...entries]
    this.#agents = given.agents
    this.#issuers = new Map([...given.issuers].map((issuer) => [issuer.name, issuer]))
  }

  [Symbol.iterator](): Iterator<AdminEntry> {
    return this.#entries.values()
  }

  /** The audiences that some admin's token of this issuer may have: what verification is to accept. */
  audiences(issuer: AdminIssuer): string[] {
    const entries = this.#entries.filter((entry) => entry.match.issuer === issuer.name)
    return [...new Set(entries.flatMap((entry) => this.#accepted(entry)))]
  }

  /**
   * The entries that a token with `audiences` satisfies. A principal that matches
   * any agent satisfies none: a workload must not approve what workloads ask.
   */
  find(principal: Principal, audiences: readonly string[]): AdminEntry[] {
    if (this.#agents.matching(principal).length > 0) return []
    return this.#entries.filter((entry) => {
      const accepted = this.#accepted(entry)
      return (
        audiences.length > 0 &&
        audiences.every((audience) => accepted.includes(audience)) &&
        matches(entry.match, principal)
      )
    })
  }

  /**
   * Agents that some holder of this entry could also be, by name: same issuer, an
   * audience in common, and no subject or claim that tells them apart.
   */
  confusable(entry: AdminEntry): string[] {
    const workloads = this.#issuers.get(entry.match.issuer)?.audiences ?? []
    if (!this.#accepted(entry).some((audience) => workloads.includes(audience))) return []
    return [...this.#agents]
      .filter((agent) => agent.match.some((rule) => mayBothMatch(rule, entry.match)))
      .map((agent) => agent.name)
  }

  /**
   * Whether the token of somebody who may approve or resume could show this owner of an agent,
   * as far as their entries tell. True where nobody may: there is no one to tell them from.
   */
  couldShow(owner: string): boolean {
    const judging = this.#entries.filter(({ may }) => may.includes('approve') || may.includes('suspend'))
    if (judging.length === 0) return true
    return !isOfSeveral(owner) && judging.some(({ match }) => couldShow(match, owner))
  }

  #accepted(entry: AdminEntry): readonly string[] {
    return entry.audiences ?? this.#issuers.get(entry.match.issuer)?.audiences ?? []
  }
}

/** By a verified `email` where the owner is an address, else by `sub`. What the rule requires of a claim says what it can be. */
function couldShow(rule: MatchRule, owner: string): boolean {
  const required = (claim: string) => requirements(rule).filter(({ name }) => name === claim)
  const allow = (rules: readonly ClaimRule[]) =>
    rules.every(({ patterns }) => patterns.some((pattern) => matchesPattern(pattern, owner)))
  const subject = required('sub')
  if (!isAddress(owner)) return !/\s/.test(owner) && allow(subject)
  return allow(required('email')) || (subject.length > 0 && allow(subject))
}
