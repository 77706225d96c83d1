/**
 * What upstreams answer where they do not do what was asked, in one vocabulary. Each provider
 * tells the answers of its own upstream apart, oddities and all; what they come to is one of these:
 *
 * - passing: not now. It is down, behind or out of date; the same request may go well later.
 * - limited: asked too often.
 * - refused: understood, and no. The same request will be refused again.
 * - garbage: a success that is none of its answers.
 * - lost: no answer came.
 *
 * `maybeDone`, everywhere: whether it may have been done all the same. `upstream` is its name
 * for a reader: `Vault`. Messages are for callers: our own words, and never an upstream's.
 */
import type { Clock } from '../base/clock.ts'
import { networkFault, type NetworkFault } from '../outbound/network-fault.ts'
import { ProviderError } from './failure.ts'
import type { Evidence, RevocationOutcome } from './upstream.ts'

interface Circumstances {
  maybeDone?: boolean
  /** Seconds, if upstream named them. */
  retryAfter?: number | undefined
  /** What an operator can do about it, one line. */
  remedy?: string | undefined
  ofOwnToken?: boolean
}

export function passing(message: string, circumstances: Circumstances = {}): ProviderError {
  return new ProviderError('unavailable', message, circumstances)
}

/** Not upstream's own words: a proxy, a firewall or an incident in front of it, behind which the request may go on. */
export function stranger(upstream: string, status: number, maybeDone: boolean): ProviderError {
  const remedy = `Check that the address is that of ${upstream}, and what stands in front of it: a proxy, a firewall.`
  return passing(`something in front of ${upstream} answered ${status}`, { maybeDone, remedy })
}

export function limited(upstream: string, circumstances: Circumstances): ProviderError {
  return passing(`${upstream} limits how often it may be asked`, circumstances)
}

/** `retryAfter`: seconds after which it is tried all the same. */
export function refused(
  message: string,
  circumstances: { retryAfter?: number; remedy?: string } = {},
): ProviderError {
  return new ProviderError('rejected', message, circumstances)
}

/** The same failure, of the JWT that the broker logs in with. */
export function ofOwnToken(error: ProviderError): ProviderError {
  const { kind, message, retryAfter, maybeDone, remedy } = error
  return new ProviderError(kind, message, { retryAfter, maybeDone, remedy, ofOwnToken: true })
}

/** A status, and what it means for the request at hand. */
export function answered(upstream: string, status: number, meaning?: string): string {
  return `${upstream} answered ${status}${meaning === undefined ? '' : `: ${meaning}`}`
}

export function garbage(upstream: string, maybeDone: boolean): ProviderError {
  return passing(`${upstream} gave an answer that makes no sense`, { maybeDone })
}

/** Whatever a client threw for want of an answer. `signal` is the one that the request was sent with. */
export function lost(
  upstream: string,
  error: unknown,
  { signal, maybeDone }: { signal: AbortSignal; maybeDone: boolean },
): ProviderError {
  if (signal.aborted) return abandoned(upstream, signal, maybeDone)
  const fault = networkFault(error)
  if (fault && !fault.sent) return unreachable(upstream, fault)
  return passing(`the connection to ${upstream} was lost`, { maybeDone, remedy: fault?.remedy })
}

/** A request that was under way when `signal` aborted. */
export function abandoned(upstream: string, { reason }: AbortSignal, maybeDone: boolean): ProviderError {
  const late = reason instanceof Error && reason.name === 'TimeoutError'
  const message = late ? `${upstream} did not answer in time` : `the request to ${upstream} was abandoned`
  return passing(message, { maybeDone, remedy: 'Check that it can be reached from here, and how it is.' })
}

/** To be called before anything is sent. @throws ProviderError when `signal` has aborted already */
export function requireAwaited(upstream: string, signal: AbortSignal): void {
  if (signal.aborted) throw passing(`the request to ${upstream} was abandoned before it was sent`)
}

/** A request that upstream certainly never saw, because of `fault`. */
export function unreachable(upstream: string, { words, remedy }: NetworkFault): ProviderError {
  return new ProviderError('unavailable', `${upstream} cannot be reached: ${words}`, { remedy })
}

/** The whole number in a header such as `Retry-After`, undefined where there is none: its date form is not read. */
export function secondsIn(header: unknown): number | undefined {
  return /^\d{1,10}$/.test(String(header)) ? Number(header) : undefined
}

/** How ending one credential went: `end` fails where it is not ended. */
export async function outcomeOf(end: () => Promise<void>): Promise<RevocationOutcome> {
  try {
    await end()
    return { done: true }
  } catch (error) {
    if (error instanceof ProviderError) return { done: false, error }
    throw error
  }
}

/** What a look at a credential has shown; where it failed, nothing, and `unanswered` is how. */
export async function evidenceOf(
  clock: Clock,
  look: () => Promise<Pick<Evidence, 'result' | 'method'>>,
  unanswered: string,
): Promise<Evidence> {
  try {
    const { result, method } = await look()
    return { result, method, at: clock.now() }
  } catch (error) {
    if (error instanceof ProviderError) return { result: 'unknown', method: unanswered, at: clock.now() }
    throw error
  }
}
