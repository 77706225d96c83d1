/** Refusals of someone who has said who they are: each goes on record, with what was asked (invariant I6). */
import { BrokerError, type Denial } from '../base/errors.ts'
import type { Session } from '../identity/session.ts'
import type { Tx } from '../base/unit.ts'
import type { TaskContext } from './context.ts'
import type { Requested } from './facts.ts'

/** By whom it was asked, and within which task, where there is one. */
interface Asking {
  agent: { name: string; owner: string }
  task?: string
}

export function recordDenial(
  { audit, clock }: TaskContext,
  tx: Tx,
  { agent: { name, owner }, task }: Asking,
  data: Record<string, unknown>,
): void {
  audit.record(tx, {
    at: clock.now(),
    type: 'request.denied',
    actor: `agent:${name}`,
    agent: name,
    owner,
    ...(task !== undefined && { task }),
    data,
  })
}

/** A token that has opened a task before: who it speaks for may not be who sent it now. */
export function recordReplay(
  { audit, clock }: TaskContext,
  tx: Tx,
  { requested: { agent, principal }, session }: { requested: Requested; session: Session | undefined },
): void {
  const { name, owner } = agent
  audit.record(tx, {
    at: clock.now(),
    type: 'token.replayed',
    actor: `agent:${name}`,
    agent: name,
    owner,
    data: { issuer: principal.iss, subject: principal.subject, ...(session && { session }) },
  })
}

/** What the record says of a refusal: policy's denials one by one, where there are any. */
export function reasonOf({ code, message, facts }: BrokerError): Record<string, unknown> {
  return { code, reason: message, ...(facts.denials && { denials: facts.denials }) }
}

export function policyDenied(denials: Denial[], message = 'policy does not allow this'): BrokerError {
  return new BrokerError('policy_denied', message, { denials })
}
