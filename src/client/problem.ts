/** The client's errors: a refusal by the broker, or no answer from it. */
import type { Denial, ErrorCode } from '../base/errors.ts'
import { remedyFor } from './remedies.ts'

/** A refusal by the broker (RFC 9457 problem details), with its stable code. */
export class BrokerProblem extends Error {
  /** The HTTP status. */
  readonly status: number
  readonly code: ErrorCode
  /** The broker's own words; never a secret. */
  readonly detail: string
  /** What policy refused, and which policies did; only with `policy_denied`. */
  readonly denials: Denial[]
  /** Seconds after which trying again makes sense. */
  readonly retryAfter: number | undefined
  /** By which the broker's operator finds the request in the log. */
  readonly requestId: string | undefined

  constructor(problem: {
    status: number
    code: ErrorCode
    detail: string
    denials?: Denial[] | undefined
    retryAfter?: number | undefined
    requestId?: string | undefined
  }) {
    super(`${problem.code}: ${problem.detail}`)
    this.name = 'BrokerProblem'
    this.status = problem.status
    this.code = problem.code
    this.detail = problem.detail
    this.denials = problem.denials ?? []
    this.retryAfter = problem.retryAfter
    this.requestId = problem.requestId
  }

  /** What to do about it, one line. */
  get remedy(): string {
    return remedyFor(this.code, this.retryAfter)
  }
}

/** Where nothing better is known. */
const unreached = {
  unsent: 'Check the url (MAYFLY_URL), and that the broker is running.',
  unknown: 'Check that the broker is well (`/healthz` and `/readyz` at its url), then try again.',
  foreign: 'Check the url (MAYFLY_URL): what answers there is no broker.',
}

/** No answer came, or one that is not a broker's. */
export class BrokerUnreachable extends Error {
  /**
   * `unsent`: the broker never saw the call. `unknown`: it may have carried it out.
   * `foreign`: what is there cannot be spoken to, or is no broker; it will be the
   * same the next time.
   */
  readonly outcome: 'unsent' | 'unknown' | 'foreign'
  /** What to do about it, one line. */
  readonly remedy: string

  constructor(
    message: string,
    {
      outcome,
      remedy,
      cause,
    }: {
      outcome: BrokerUnreachable['outcome']
      remedy?: string | undefined
      cause?: unknown
    },
  ) {
    super(message, { cause })
    this.name = 'BrokerUnreachable'
    this.outcome = outcome
    this.remedy = remedy ?? unreached[outcome]
  }
}

/** Whether the same call may well succeed later. */
export function passes(error: unknown): boolean {
  if (error instanceof BrokerProblem) return error.status >= 500 || error.status === 429
  return error instanceof BrokerUnreachable && error.outcome !== 'foreign'
}
