import type { Context } from 'hono'
import { BrokerError } from '../base/errors.ts'
import type { VerifiedToken } from '../identity/verify.ts'
import type { StoredTask } from '../tasks/task.ts'
import { type IdempotencyKey, idempotencyKey } from '../tasks/idempotency.ts'
import type { Env } from './context.ts'

/**
 * The request's `Idempotency-Key`, if it has one, as `caller` uses it for `request`.
 *
 * @throws BrokerError `invalid_request` when the header is not 1 to 200 visible characters.
 */
export function idempotencyOf(
  c: Context<Env>,
  caller: VerifiedToken | StoredTask,
  request: unknown,
): IdempotencyKey | undefined {
  const written = c.req.header('Idempotency-Key')
  if (written === undefined) return undefined
  if (!/^[\x21-\x7e]{1,200}$/.test(written))
    throw new BrokerError('invalid_request', 'Idempotency-Key: 1 to 200 visible characters are needed')
  return idempotencyKey(ownerOf(caller), `${c.req.path} ${written}`, request)
}

/** The replay key says issuer and `jti`, and an issuer may give one `jti` to two subjects: neither may resume the other's. */
function ownerOf(caller: VerifiedToken | StoredTask): string[] {
  return 'replayKey' in caller ? [caller.replayKey, caller.principal.subject] : [caller.id]
}
