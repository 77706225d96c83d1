/** Refusals in OAuth's words (RFC 6749 §5.2), with our own code beside them. */
import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { z } from '@hono/zod-openapi'
import type { BrokerError, ErrorCode } from '../base/errors.ts'
import type { Env } from './context.ts'
import { asRefusal, statusOf } from './problem.ts'
import type { oauthError } from '../wire/oauth-schemas.ts'

type OAuthCode = z.infer<typeof oauthError>['error']

/** `invalid_request` also stands for a subject token that is bad or not acceptable (RFC 8693 §2.2.2). */
const codes: Partial<Record<ErrorCode, OAuthCode>> = {
  policy_denied: 'invalid_authorization_details',
  out_of_scope: 'invalid_authorization_details',
  provider_rejected: 'invalid_authorization_details',
  limit_exceeded: 'temporarily_unavailable',
  unavailable: 'temporarily_unavailable',
  provider_unavailable: 'temporarily_unavailable',
  internal: 'server_error',
}

export function oauthProblem(c: Context<Env>, thrown: unknown): Response {
  const error = asRefusal(thrown)
  const code = oauthCode(error)
  const status = oauthStatus(error, code)
  const { retryAfter, denials } = error.facts
  if (retryAfter !== undefined) c.header('Retry-After', String(Math.ceil(retryAfter)))
  if (status === 413) c.header('Connection', 'close')
  const body: z.infer<typeof oauthError> = {
    error: code,
    error_description: describable(error.message),
    code: error.code,
    ...(denials !== undefined && { denials }),
  }
  return c.json(body, status)
}

function oauthCode(error: BrokerError): OAuthCode {
  if (error.facts.parameter === 'grant_type') return 'unsupported_grant_type'
  if (error.facts.parameter === 'authorization_details') return 'invalid_authorization_details'
  // RFC 8693 §2.2.2: where the credential would be for; RFC 6749 §5.2.
  if (error.facts.parameter === 'resource') return 'invalid_target'
  if (error.facts.parameter === 'scope') return 'invalid_scope'
  return codes[error.code] ?? 'invalid_request'
}

function oauthStatus(error: BrokerError, code: OAuthCode): ContentfulStatusCode {
  if (code === 'temporarily_unavailable' || code === 'server_error') return statusOf(error)
  const status = statusOf(error)
  return status === 405 || status === 413 || status === 415 ? status : 400
}

/** RFC 6749 §5.2: printable ASCII without quotation mark and backslash. */
function describable(message: string): string {
  return message.replaceAll('"', "'").replaceAll(/[^\x20-\x21\x23-\x5b\x5d-\x7e]/g, '?')
}
