/**
 * Clients that have gone away. A broker that stood still finds their requests, when they have long asked
 * another under the same `Idempotency-Key`: what comes late must undo nothing of what they got there.
 */
import { BrokerError } from '../base/errors.ts'

/** To be called in the transaction that would do it. @throws BrokerError `unavailable` */
export function requireThere(gone: AbortSignal | undefined): void {
  if (gone?.aborted) throw new BrokerError('unavailable', 'the client went away before it could be answered')
}
