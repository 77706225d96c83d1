/** What a call can come to instead of its answer. */
import type { Denial, ErrorCode } from '../errors.ts'

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
}

/** No answer came, or one that is not a broker's. Whether the call took effect is not known. */
export class BrokerUnreachable extends Error {
  constructor(message: string, options?: { cause: unknown }) {
    super(message, options)
    this.name = 'BrokerUnreachable'
  }
}
