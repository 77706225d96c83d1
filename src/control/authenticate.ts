/** Admitting a human to the admin calls. */
import { BrokerError } from '../base/errors.ts'
import { verify } from '../identity/verify.ts'
import type { TaskContext } from '../tasks/context.ts'
import { type Human, isVerified } from '../agents/owner.ts'
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
  context: TaskContext,
  token: string,
  right: Right,
  inForce: InForce,
): Promise<Admin> {
  const { admins, rules } = inForce
  // A workload's own audience is accepted too, so that it is told `forbidden`: its token is not at fault.
  const { principal, audiences } = await verify(token, rules.issuers, {
    clock: context.clock,
    audiences: (issuer) => [...issuer.audiences, ...admins.audiences(issuer)],
  })
  const satisfied = admins.find(principal, audiences)
  // A stranger's row each would let anybody fill the record: they are counted.
  if (satisfied.length === 0) throw rightRefusal(right)
  const { email, email_verified: verified } = principal.claims
  const admin: Admin = {
    id: `${principal.issuer}:${principal.subject}`,
    subject: principal.subject,
    email: typeof email === 'string' ? email : undefined,
    emailVerified: isVerified(verified),
    entries: satisfied.filter((entry) => entry.may.includes(right)),
    rights: new Set(satisfied.flatMap(({ may }) => may)),
  }
  await requireRight(context, admin, right)
  return admin
}

/** An admin who tries what they have no right to is worth a look. @throws BrokerError `forbidden` */
export async function requireRight(
  { unit, audit, clock }: TaskContext,
  { id, rights }: Admin,
  right: Right,
): Promise<void> {
  if (rights.has(right)) return
  const refused = rightRefusal(right)
  const data = { code: refused.code, reason: refused.message }
  await unit.write(async (tx) =>
    audit.record(tx, { at: clock.now(), type: 'request.denied', actor: `admin:${id}`, data }),
  )
  throw refused
}

function rightRefusal(right: Right): BrokerError {
  return new BrokerError('forbidden', `this identity may not ${right} here`)
}
