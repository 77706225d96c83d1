/** Admitting a human to the admin calls. */
import type { Clock } from '../clock.ts'
import { BrokerError } from '../errors.ts'
import { verify } from '../identity/verify.ts'
import type { AdminEntry, Right } from './admins.ts'
import type { InForce } from './in-force.ts'

export interface Admin {
  /** How the audit names this person: the issuer's name and the subject. */
  id: string
  /** The token's `sub`. */
  subject: string
  /** The token's `email`, verified or not: it counts only against its holder, as an agent's owner. */
  email: string | undefined
  /** The entries that the token satisfies and that give the right. */
  entries: AdminEntry[]
}

/**
 * Verifies an admin's OIDC token. It may be used again until it expires.
 *
 * @throws BrokerError `invalid_token`; `forbidden` for a workload, a stranger,
 *   or an admin without the right.
 */
export async function authenticateAdmin(
  token: string,
  right: Right,
  inForce: InForce,
  clock: Clock,
): Promise<Admin> {
  const { admins, rules } = inForce
  // A workload's own audience is accepted too, so that it is told `forbidden`: its token is not at fault.
  const { principal, audiences } = await verify(token, rules.issuers, {
    clock,
    audiences: (issuer) => [...issuer.audiences, ...admins.audiences(issuer)],
  })
  const entries = admins.find(principal, audiences).filter((entry) => entry.may.includes(right))
  if (entries.length === 0) throw new BrokerError('forbidden', `this identity may not ${right} here`)
  const { email } = principal.claims
  return {
    id: `${principal.issuer}:${principal.subject}`,
    subject: principal.subject,
    email: typeof email === 'string' ? email : undefined,
    entries,
  }
}
