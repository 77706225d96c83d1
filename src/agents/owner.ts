/** Who answers for an agent, and four eyes: whether a human is its owner, or could be without showing it. */
import { BrokerError } from '../base/errors.ts'
import { isLine } from '../base/text.ts'
import { claimAt } from '../identity/claims.ts'
import type { Principal } from '../identity/principal.ts'

/** Whoever a token names in this claim: one agent, and an owned identity for each person (docs/decisions/0051). */
export interface OwnerClaim {
  readonly claim: string
}

export type Owner = string | OwnerClaim

const longest = 512

/**
 * Who answers for what this principal does as an agent of that owner; undefined where its token does
 * not show it. An address is in lower case: else who writes theirs in other letters were somebody else
 * to policy.
 */
export function ownerFor(owner: Owner, { claims }: Pick<Principal, 'claims'>): string | undefined {
  if (typeof owner === 'string') return owner
  const named = claimAt(claims, owner.claim)
  if (typeof named !== 'string' || named.length > longest || !isLine(named)) return undefined
  // OpenID Connect Core §5.1: who may write any address into their account owns nothing by it.
  const verified = claimAt(claims, `${owner.claim}_verified`)
  const isChecked = verified !== undefined || mustBeVerified(owner.claim)
  if (isChecked && !isVerified(verified)) return undefined
  return isAddress(named) ? named.toLowerCase() : named
}

/** Whether it counts only where its issuer says that it was verified. Another claim, where a token has no such word of it, is believed. */
export function mustBeVerified(claim: string): boolean {
  return /(^|\/)email$/.test(claim)
}

/** Of `email_verified` and its like. Some issuers write every claim as text. */
export function isVerified(claim: unknown): boolean {
  return claim === true || claim === 'true'
}

/** The owner that a configuration names itself. */
export function fixedOwner(owner: Owner): string | undefined {
  return typeof owner === 'string' ? owner : undefined
}

/** A human as their token shows them. */
export interface Human {
  /** The token's `sub`. */
  subject: string
  /** The token's `email`. */
  email: string | undefined
  /** Whether the issuer says that the address is theirs (`email_verified`, OpenID Connect Core §5.1). */
  emailVerified: boolean
}

/** Whether an owner is named by an address, and not by a subject. */
export function isAddress(owner: string): boolean {
  return /^[^\s@]+@[^\s@]+$/.test(owner)
}

/** Whether an address is, by its name, one that several read, as RFC 2142 and custom have it: nobody's token shows it. */
export function isOfSeveral(owner: string): boolean {
  const [local] = owner.toLowerCase().split('@')
  return (
    isAddress(owner) &&
    (mailboxes.has(local!) || /(^|[-_.+])(team|group|list)s?$|^(team|group)[-_.]/.test(local!))
  )
}

const mailboxes: ReadonlySet<string> = new Set(
  `abuse admin admins administrators backend bots build ci cloud data dev devops devs developers eng engineering
  frontend help helpdesk hostmaster info infra infrastructure it leads noc noreply no-reply office on-call oncall
  ops operations owners platform postmaster product qa release releases root secops security sre staff support
  sysadmin team tech tooling tools webmaster`.split(/\s+/),
)

/**
 * `forbidden` for whoever owns the agent, and for whoever shows nothing that could be held against its
 * owner: an owner who left the address out of their token would be anyone. An address counts against its
 * holder even where nobody has verified it, and for them only where somebody has.
 */
export function ownerRefusal(
  human: Human,
  owners: readonly string[],
  rule: string,
): { owner: string; refused: BrokerError } | undefined {
  const own = owners.find((owner) => [human.subject, human.email].some((name) => isSame(name, owner)))
  if (own !== undefined) return { owner: own, refused: new BrokerError('forbidden', rule) }
  const unknown = owners.find((owner) => isAddress(owner) && !showsAddress(human))
  if (unknown === undefined) return undefined
  const refused = new BrokerError(
    'forbidden',
    `${rule}, and this token shows no verified email that could be compared with the owner's`,
  )
  return { owner: unknown, refused }
}

export function isSame(name: string | undefined, owner: string): boolean {
  return name?.toLowerCase() === owner.toLowerCase()
}

function showsAddress({ subject, email, emailVerified }: Human): boolean {
  return isAddress(subject) || (emailVerified && email !== undefined && isAddress(email))
}
