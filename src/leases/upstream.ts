/** Asking upstream: each call has its time, and only what its provider says of a failure is passed on. */
import { type Clock, withinLimit } from '../base/clock.ts'
import { ProviderError } from '../provider/failure.ts'

/** Milliseconds that one upstream operation may take. */
export const upstreamLimit = { mint: 20_000, revoke: 10_000, probe: 5_000, recover: 10_000 } as const

/**
 * Makes `call` with a signal that aborts when the time of such an operation is up. A failure is
 * a value: this is the one place where a provider's is caught.
 */
export async function ask<T>(
  { clock }: { clock: Clock },
  operation: keyof typeof upstreamLimit,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T | ProviderError> {
  return await withinLimit(clock, upstreamLimit[operation], call).catch(asProviderError)
}

/** A provider that throws anything else has a defect: its words may hold a secret, so they are not passed on. */
export function asProviderError(error: unknown): ProviderError {
  if (error instanceof ProviderError) return error
  return new ProviderError('unavailable', 'the provider failed unexpectedly', { maybeDone: true })
}
