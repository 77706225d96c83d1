import type { Context } from 'hono'
import { BrokerError } from '../base/errors.ts'
import type { Env } from './context.ts'

/**
 * The bearer token of a request (RFC 6750 §2.1).
 *
 * @throws BrokerError `invalid_token` unless there is exactly one. Node keeps the
 *   first of several `Authorization` headers and a proxy may keep the last, so the
 *   raw list decides.
 */
export function bearer(c: Context<Env>): string {
  const { rawHeaders } = c.env.incoming
  const values = rawHeaders.filter(
    (_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'authorization',
  )
  const [value, another] = values
  if (value === undefined) throw new BrokerError('invalid_token', 'a bearer token is needed')
  if (another !== undefined) throw new BrokerError('invalid_token', 'there are several Authorization headers')
  const [scheme, token, ...rest] = value.trim().split(/ +/, 3)
  if (scheme?.toLowerCase() !== 'bearer' || !token || rest.length > 0)
    throw new BrokerError('invalid_token', 'the Authorization header does not hold one bearer token')
  return token
}
