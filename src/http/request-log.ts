/** What the operator's log says of each request. */
import type { Context } from 'hono'
import { routePath } from 'hono/route'
import type { Log } from '../base/log.ts'
import type { Env } from './context.ts'
import { operationsPaths } from './operations.ts'
import { asRefusal } from './problem.ts'

/**
 * One line. The route's pattern and never the path, where whoever mistakes one for the other
 * puts a token. What the caller of a refusal is not told is in it, where there is more to tell.
 */
export function logRequest(c: Context<Env>, milliseconds: number, log: Log): void {
  const about = c.get('about')
  const thrown = c.get('thrown')
  const refusal = thrown === undefined ? undefined : asRefusal(thrown)
  const { status } = c.res
  const facts = {
    request_id: c.get('requestId'),
    method: c.req.method,
    route: routePath(c, -1),
    status,
    ...(refusal && { code: refusal.code }),
    // In our words alone. Those about a request's form may repeat what it holds.
    ...(refusal?.code === 'invalid_token' && { reason: refusal.message }),
    ...about,
    ms: Math.round(milliseconds * 10) / 10,
  }
  if (about.unmatched) log.warn(facts, 'an identity matches no agent')
  else if (refusal && status >= 500)
    log.error(
      { ...facts, ...(isProbe(facts.route) ? { reason: reasonOf(thrown) } : { err: thrown }) },
      refusal.message,
    )
  else log.info(facts, 'request')
}

/** A probe asks every few seconds: each time it is said why, and not where in the code. */
const isProbe = (route: string) => operationsPaths.includes(route)

/** What the error says, and what brought it about. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined ? error.message : `${error.message}: ${reasonOf(error.cause)}`
}
