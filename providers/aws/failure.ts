import { ProviderError } from '../../src/provider.ts'

/** A call to AWS that did not succeed, as far as anybody else has to know of it: what AWS said is left behind. */
export class AwsFailure extends Error {
  /** AWS's error code, without the `Exception` that the SDK ends some of them with; never shown to anybody. */
  readonly code: string
  /** Undefined when no answer came. */
  readonly status: number | undefined
  /** Seconds. */
  readonly retryAfter: number | undefined
  /** Whether the request may have reached AWS. */
  readonly sent: boolean

  constructor(facts: Pick<AwsFailure, 'code' | 'status' | 'retryAfter' | 'sent'>) {
    super('a call to AWS failed')
    this.name = 'AwsFailure'
    this.code = facts.code.replace(/Exception$/, '')
    this.status = facts.status
    this.retryAfter = facts.retryAfter
    this.sent = facts.sent
  }
}

/** What AWS's codes mean for the call at hand, in words for the caller. */
export type Meanings = Record<string, string>

/** Answered instead of being done, whatever the call ("Common errors" of both API references, and the SDK's list). */
const throttled = new Set([
  'Throttling',
  'Throttled',
  'RequestThrottled',
  'TooManyRequests',
  'RequestLimitExceeded',
  'SlowDown',
])

const outOfDate = "AWS found the broker's own credentials or its clock out of date"
/** Refused now, and perhaps not the next time: the next call has fresh credentials and a corrected clock. */
const passing: Meanings = {
  ExpiredToken: outOfDate,
  RequestExpired: outOfDate,
  RequestTimeTooSkewed: outOfDate,
  IDPCommunicationError: "AWS cannot read the broker's published keys",
  ConcurrentModification: 'somebody else was changing the same thing in AWS',
}

const common: Meanings = {
  InvalidClientTokenId: "it does not know the broker's own credentials",
  SignatureDoesNotMatch: "it does not accept the broker's own credentials",
  UnrecognizedClient: "it does not know the broker's own credentials",
  RegionDisabled: 'the region is not enabled for the account',
  OptInRequired: 'the region is not enabled for the account',
}

/**
 * The failure as the broker is told of it.
 *
 * @param acts whether the call changes something, so that a lost answer leaves open whether it did
 */
export function refusal(failure: AwsFailure, meanings: Meanings, acts: boolean): ProviderError {
  const { code, status, retryAfter, sent } = failure
  const maybeDone = acts && sent
  if (status === undefined)
    return new ProviderError('unavailable', sent ? 'AWS did not answer' : 'AWS cannot be reached', {
      maybeDone,
    })
  if (throttled.has(code) || status === 429)
    return new ProviderError('unavailable', 'AWS limits how often it may be asked', { retryAfter })
  if (status >= 500)
    return new ProviderError('unavailable', `AWS answered ${status}`, { retryAfter, maybeDone })
  if (status >= 300) {
    const soon = new Map(Object.entries(passing)).get(code)
    if (soon !== undefined) return new ProviderError('unavailable', soon)
    const meaning = new Map(Object.entries({ ...common, ...meanings })).get(code)
    return new ProviderError(
      'rejected',
      `AWS answered ${status}${meaning === undefined ? '' : `: ${meaning}`}`,
    )
  }
  return garbage(acts)
}

/** An answer that is a success but not one that AWS gives. */
export function garbage(acts: boolean): ProviderError {
  return new ProviderError('unavailable', 'AWS gave an answer that makes no sense', { maybeDone: acts })
}
