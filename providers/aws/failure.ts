import type { NetworkFault } from '../../src/outbound/network-fault.ts'
import {
  answered,
  garbage,
  limited,
  passing,
  refused,
  stranger,
  unreachable,
} from '../../src/provider/answers.ts'
import type { ProviderError } from '../../src/provider/failure.ts'

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
  /** Whether the answer is AWS's own: a proxy or a firewall in front of it answers in other words. */
  readonly worded: boolean
  /** What kept an answer from coming, where it is known. */
  readonly network: NetworkFault | undefined

  constructor(facts: Pick<AwsFailure, 'code' | 'status' | 'retryAfter' | 'sent' | 'worded' | 'network'>) {
    super('a call to AWS failed')
    this.name = 'AwsFailure'
    this.code = facts.code.replace(/Exception$/, '')
    this.status = facts.status
    this.retryAfter = facts.retryAfter
    this.sent = facts.sent
    this.worded = facts.worded
    this.network = facts.network
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
const soonOver: Meanings = {
  ExpiredToken: outOfDate,
  RequestExpired: outOfDate,
  RequestTimeTooSkewed: outOfDate,
  IDPCommunicationError: "AWS cannot read the broker's published keys",
  ConcurrentModification: 'somebody else was changing the same thing in AWS',
}

/** What a key is called that AWS does not know, or has not heard of yet. */
export const unheard = new Set(['InvalidClientTokenId', 'UnrecognizedClient'])

const common: Meanings = {
  InvalidClientTokenId: "it does not know the broker's own credentials",
  SignatureDoesNotMatch: "it does not accept the broker's own credentials",
  UnrecognizedClient: "it does not know the broker's own credentials",
  RegionDisabled: 'the region is not enabled for the account',
  OptInRequired: 'the region is not enabled for the account',
}

/**
 * What a call leaves behind where it is not known how it went: nothing; a change, which
 * an error may have followed; or no more than its answer, so that whoever was answered
 * with an error by AWS itself has nothing, and nor has anybody else.
 */
export type Leaves = 'nothing' | 'a change' | 'its answer'

/** The failure as the broker is told of it. */
export function refusal(failure: AwsFailure, meanings: Meanings, leaves: Leaves): ProviderError {
  const { code, status, retryAfter, sent, worded, network } = failure
  const maybeDone = leaves !== 'nothing' && sent
  if (status === undefined && network && !network.sent) return unreachable('AWS', network)
  if (status === undefined)
    return passing(sent ? 'AWS did not answer' : 'AWS cannot be reached', { maybeDone })
  if (throttled.has(code) || status === 429)
    return limited('AWS', { retryAfter, maybeDone: maybeDone && !worded })
  if (status >= 500) {
    const nothing = worded && leaves === 'its answer'
    return passing(answered('AWS', status), { retryAfter, maybeDone: maybeDone && !nothing })
  }
  if (status >= 300 && !worded) return stranger('AWS', status, maybeDone)
  if (status >= 300) {
    const soon = new Map(Object.entries(soonOver)).get(code)
    if (soon !== undefined) return passing(soon)
    return refused(answered('AWS', status, new Map(Object.entries({ ...common, ...meanings })).get(code)))
  }
  return garbage('AWS', leaves !== 'nothing')
}
