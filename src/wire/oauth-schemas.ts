/** The shapes of token exchange and revocation, RFC 8693 and RFC 7009: validation, types and OpenAPI at once. */
import { z } from '@hono/zod-openapi'
import { errorCodes } from '../base/errors.ts'
import { denial, detail, host, lease, line, seconds, task } from './schemas.ts'

const ttlText = z
  .string()
  .regex(/^[1-9]\d{0,7}$/, 'must be a whole number of seconds')
  .openapi({ description: 'whole seconds' })

/** RFC 8693 §2.1 and §3. */
export const tokenExchange = 'urn:ietf:params:oauth:grant-type:token-exchange'
export const accessTokenType = 'urn:ietf:params:oauth:token-type:access_token'

const exchangeFields = {
  grant_type: z.literal(tokenExchange),
  subject_token: z.string().min(1),
  subject_token_type: z.enum([
    'urn:ietf:params:oauth:token-type:jwt',
    'urn:ietf:params:oauth:token-type:id_token',
  ]),
  authorization_details: z
    .string()
    .min(1)
    .optional()
    .openapi({ description: 'a JSON array with one detail (RFC 9396); or `resource` instead' }),
  resource: line(2048).optional().openapi({
    description: 'what the credential is for, with its type before it; or `authorization_details` instead',
    example: 'github:acme/web',
  }),
  scope: line(1000).optional().openapi({
    description: 'with a `resource` that has permissions: which, and at what level',
    example: 'contents:write issues:read',
  }),
  audience: line(2048).optional().openapi({
    description: 'this broker, or the connection that is to mint, as `NAME` or `TYPE/NAME`; may be repeated',
  }),
  purpose: line(1000).optional(),
  ttl: ttlText.optional(),
  agent: line(100).optional(),
}

export const exchangeForm = z.object(exchangeFields).openapi('ExchangeRequest')

/** RFC 8693 §2.1: one or several, which a form has as repetitions. */
const severally = (text: z.ZodString) =>
  z.union([text.transform((only) => [only]), z.array(text).min(1).max(10)])

/** The same in JSON, where lists and numbers can be what they are. */
export const exchangeBody = z
  .object({
    ...exchangeFields,
    authorization_details: z.union([z.string().min(1), z.array(z.unknown())]).optional(),
    resource: severally(line(2048)).optional(),
    audience: severally(line(2048)).optional(),
    ttl: z.union([ttlText, seconds]).optional(),
  })
  .openapi('ExchangeBody')

export const revokeForm = z.object({ token: z.string().min(1) }).openapi('RevokeRequest')

export const exchanged = z
  .object({
    access_token: z.string(),
    issued_token_type: z.literal(accessTokenType),
    token_type: z.literal('Bearer'),
    expires_in: z.int(),
    authorization_details: z.array(detail),
    credential: z.record(z.string(), z.unknown()),
    host,
    task,
    task_token: z.string(),
    lease,
  })
  .openapi('Exchanged')

export const oauthError = z
  .object({
    error: z.enum([
      'invalid_request',
      'invalid_authorization_details',
      'invalid_target',
      'invalid_scope',
      'unsupported_grant_type',
      'authorization_pending',
      'temporarily_unavailable',
      'server_error',
    ]),
    error_description: z.string(),
    code: z.enum(errorCodes).optional(),
    denials: z.array(denial).optional(),
    task: task.optional(),
    task_token: z.string().optional(),
  })
  .openapi('OAuthError')
