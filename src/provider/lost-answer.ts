/**
 * A request to an upstream that brought no answer, as a provider tells the broker
 * of it. `upstream` is its name for a reader: `Vault`. `acts`: whether the request
 * changes something, so that the loss leaves open whether it did.
 */
import { networkFault, type NetworkFault } from '../outbound/network-fault.ts'
import { ProviderError } from './failure.ts'

/** The failure of a request, whatever its client threw. `signal` is the one that it was sent with. */
export function lostAnswer(
  upstream: string,
  error: unknown,
  { signal, acts }: { signal: AbortSignal; acts: boolean },
): ProviderError {
  if (signal.aborted) return abandoned(upstream, signal, acts)
  const fault = networkFault(error)
  if (fault && !fault.sent) return unreachable(upstream, fault)
  return new ProviderError('unavailable', `the connection to ${upstream} was lost`, { maybeDone: acts })
}

/** A request that was under way when `signal` aborted. */
export function abandoned(upstream: string, { reason }: AbortSignal, acts: boolean): ProviderError {
  const late = reason instanceof Error && reason.name === 'TimeoutError'
  const message = late ? `${upstream} did not answer in time` : `the request to ${upstream} was abandoned`
  return new ProviderError('unavailable', message, { maybeDone: acts })
}

/** To be called before anything is sent. @throws ProviderError when `signal` has aborted already */
export function requireAwaited(upstream: string, signal: AbortSignal): void {
  if (signal.aborted)
    throw new ProviderError('unavailable', `the request to ${upstream} was abandoned before it was sent`)
}

/** A request that upstream certainly never saw, because of `fault`. */
export function unreachable(upstream: string, { words, remedy }: NetworkFault): ProviderError {
  return new ProviderError('unavailable', `${upstream} cannot be reached: ${words}`, { remedy })
}

/** The whole number in a header such as `Retry-After`, undefined where there is none: its date form is not read. */
export function secondsIn(header: unknown): number | undefined {
  return /^\d{1,10}$/.test(String(header)) ? Number(header) : undefined
}
