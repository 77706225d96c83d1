/** Who calls, found out before anything else of the request is read. */
import type { MiddlewareHandler } from 'hono'
import { authenticateAdmin } from '../control/authenticate.ts'
import type { Right } from '../control/admins.ts'
import { verify } from '../identity/verify.ts'
import { authenticate } from '../tasks/token.ts'
import { bearer } from './bearer.ts'
import type { Env } from './context.ts'

/** A workload with its own OIDC token: `c.var.verified`. */
export const byWorkload: MiddlewareHandler<Env> = async (c, next) => {
  const { inForce, core } = c.var
  c.set('verified', await verify(bearer(c), inForce.rules.issuers, { clock: core.clock }))
  await next()
}

/** Whoever holds the token of the task in the path: `c.var.task`. */
export const byTaskToken: MiddlewareHandler<Env> = async (c, next) => {
  const task = await authenticate(c.var.core, bearer(c), c.req.param('id') ?? '')
  await c.var.limits.admitAgent(task.agent)
  c.set('task', task)
  await next()
}

/** An admin who has the right: `c.var.admin`. */
export function byAdmin(right: Right): MiddlewareHandler<Env> {
  return async (c, next) => {
    c.set('admin', await authenticateAdmin(bearer(c), right, c.var.inForce, c.var.core.clock))
    await next()
  }
}
