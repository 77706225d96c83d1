/** Admitting a human to the admin calls. */
import type { Clock } from '../clock.ts'
import { BrokerError } from '../errors.ts'
import { verify } from '../identity/verify.ts'
import type { Human } from '../agents/owner.ts'
import type { AdminEntry, Right } from './admins.ts'
import type { InForce } from './in-force.ts'

export interface Admin extends Human {
  /** How the audit names this person: the issuer's name and the subject. */
  id: string
  /** The entries that the token satisfies and that give the right. */
  entries: AdminEntry[]
  /** Every right that the token gives. */
  rights: ReadonlySet<Right>
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
  const satisfied = admins.find(principal, audiences)
  const entries = satisfied.filter((entry) => entry.may.includes(right))
  if (entries.length === 0) throw rightRefusal(right)
  const { email, email_verified: verified } = principal.claims
  return {
    id: `${principal.issuer}:${principal.subject}`,
    subject: principal.subject,
    email: typeof email === 'string' ? email : undefined,
    // Some issuers write every claim as text.
    emailVerified: verified === true || verified === 'true',
    entries,
    rights: new Set(satisfied.flatMap(({ may }) => may)),
  }
}

export function rightRefusal(right: Right): BrokerError {
  return new BrokerError('forbidden', `this identity may not ${right} here`)
}
