import type { Context } from 'hono'
import { BrokerError } from '../errors.ts'
import { type IdempotencyKey, idempotencyKey } from '../tasks/idempotency.ts'
import type { Env } from './context.ts'

/**
 * The request's `Idempotency-Key`, if it has one. `owner` is what only this
 * caller has; `request` is what the key is bound to.
 *
 * @throws BrokerError `invalid_request` when the header is not 1 to 200 visible characters.
 */
export function idempotencyOf(c: Context<Env>, owner: string, request: unknown): IdempotencyKey | undefined {
  const written = c.req.header('Idempotency-Key')
  if (written === undefined) return undefined
  if (!/^[\x21-\x7e]{1,200}$/.test(written))
    throw new BrokerError('invalid_request', 'Idempotency-Key: 1 to 200 visible characters are needed')
  return idempotencyKey(owner, `${c.req.path} ${written}`, request)
}
