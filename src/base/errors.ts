/** Every way in which the broker refuses, as a closed set of stable codes. */

/** The stable codes of design §10. Their HTTP statuses are in `http/problem.ts`. */
export const errorCodes = [
  'invalid_request',
  'invalid_token',
  'token_replayed',
  'unknown_agent',
  'agent_suspended',
  'agent_expired',
  'fenced',
  'policy_denied',
  'out_of_scope',
  'forbidden',
  'not_found',
  'task_not_active',
  'context_changed',
  'conflict',
  'provider_rejected',
  'limit_exceeded',
  'internal',
  'unavailable',
  'provider_unavailable',
] as const

export type ErrorCode = (typeof errorCodes)[number]

/** One (action, resource) that policy refused, and the policies that refused it (none: nothing permits it). */
export interface Denial {
  /** An action's id, `github.contents.write`. */
  action: string
  /** An entity in Cedar's notation without the namespace, `GithubRepository::"acme/web"`. */
  resource: string
  /** `@id`s of the policies that forbade it; empty when no policy permits it. */
  policies: string[]
  /** What those of them that say so are for, their `@description`, by `@id`. */
  descriptions?: Record<string, string> | undefined
}

/** Facts that accompany a refusal and may be shown to the caller. */
export interface ErrorFacts {
  /** Seconds after which trying again makes sense. */
  retryAfter?: number
  denials?: Denial[]
  /** Which parameter is at fault, where a protocol has an error of its own for that. */
  parameter?: 'authorization_details' | 'grant_type' | 'resource' | 'scope'
}

/**
 * A refusal with its stable code. `message` is shown to the caller, so it never
 * holds a secret nor an upstream's own words; `cause` is for the log only.
 */
export class BrokerError extends Error {
  readonly code: ErrorCode
  readonly facts: ErrorFacts

  constructor(code: ErrorCode, message: string, options: ErrorFacts & { cause?: unknown } = {}) {
    const { cause, ...facts } = options
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'BrokerError'
    this.code = code
    this.facts = facts
  }
}

/** Whether `error` is a refusal, with this code if one is given. */
export function isBrokerError(error: unknown, code?: ErrorCode): error is BrokerError {
  return error instanceof BrokerError && (code === undefined || error.code === code)
}
