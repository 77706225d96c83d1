/** Four eyes: whether a human is the owner of an agent, or could be without showing it. */
import { BrokerError } from '../base/errors.ts'

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
