/** The status and the title of every code, and the answers of RFC 9457. */
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { BrokerError, type ErrorCode, isBrokerError } from '../base/errors.ts'
import type { Env } from './context.ts'

const statuses: Record<ErrorCode, ContentfulStatusCode> = {
  invalid_request: 400,
  invalid_token: 401,
  token_replayed: 401,
  unknown_agent: 403,
  agent_suspended: 403,
  agent_expired: 403,
  fenced: 403,
  policy_denied: 403,
  out_of_scope: 403,
  forbidden: 403,
  not_found: 404,
  task_not_active: 409,
  context_changed: 409,
  conflict: 409,
  provider_rejected: 422,
  limit_exceeded: 429,
  internal: 500,
  unavailable: 503,
  provider_unavailable: 503,
}

export const titles: Record<ErrorCode, string> = {
  invalid_request: 'The request is not valid',
  invalid_token: 'The token is not valid',
  token_replayed: 'The token was used before',
  unknown_agent: 'No such agent',
  agent_suspended: 'The agent is suspended',
  agent_expired: 'The agent is overdue for review',
  fenced: 'Kept out by a fence',
  policy_denied: 'Policy does not allow this',
  out_of_scope: "Outside the task's scope",
  forbidden: 'Not allowed',
  not_found: 'Not found',
  task_not_active: 'The task is not active',
  context_changed: "The task's context has changed",
  conflict: 'Conflict',
  provider_rejected: 'Upstream refused',
  limit_exceeded: 'Too much at once',
  internal: 'Internal error',
  unavailable: 'Not available now',
  provider_unavailable: 'Upstream is not available now',
}

/** `invalid_request` where HTTP has a status of its own for what is wrong. */
export class UnfitRequest extends BrokerError {
  readonly status: 405 | 413 | 415
  constructor(status: 405 | 413 | 415, message: string) {
    super('invalid_request', message)
    this.status = status
  }
}

/** Any error as the refusal that the caller gets. What nobody foresaw is `internal`, without its words. */
export function asRefusal(error: unknown): BrokerError {
  if (isBrokerError(error)) return error
  if (error instanceof HTTPException && error.status < 500)
    return new BrokerError('invalid_request', 'the request could not be read')
  return new BrokerError('internal', 'something went wrong here; the request id tells the operator what', {
    cause: error,
  })
}

export function statusOf(error: BrokerError): ContentfulStatusCode {
  return error instanceof UnfitRequest ? error.status : statuses[error.code]
}

/** Answers with `application/problem+json`. */
export function problem(c: Context<Env>, thrown: unknown): Response {
  const error = asRefusal(thrown)
  const status = statusOf(error)
  const { retryAfter, denials } = error.facts
  const headers: Record<string, string> = { 'Content-Type': 'application/problem+json' }
  if (retryAfter !== undefined) headers['Retry-After'] = String(Math.ceil(retryAfter))
  // RFC 6750 §3: what to come back with; to who brought nothing no error is named (§3.1).
  if (status === 401)
    headers['WWW-Authenticate'] = c.req.header('Authorization') ? 'Bearer error="invalid_token"' : 'Bearer'
  // The rest of an oversized body is still on its way: the connection must not carry another request behind it.
  if (status === 413) headers['Connection'] = 'close'
  const body = {
    type: 'about:blank',
    title: titles[error.code],
    status,
    code: error.code,
    detail: error.message,
    ...(denials !== undefined && { denials }),
    request_id: c.var.requestId,
  }
  return c.body(JSON.stringify(body), status, headers)
}
