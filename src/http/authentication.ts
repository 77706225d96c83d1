/** Who calls, found out before anything else of the request is read. */
import type { Context, MiddlewareHandler } from 'hono'
import { authenticateAdmin } from '../control/authenticate.ts'
import type { Right } from '../control/admins.ts'
import { verify } from '../identity/verify.ts'
import type { Task } from '../tasks/task.ts'
import { authenticate } from '../tasks/token.ts'
import { bearer } from './bearer.ts'
import type { Env } from './context.ts'

/** A workload with its own OIDC token: `c.var.verified`. */
export const byWorkload: MiddlewareHandler<Env> = async (c, next) => {
  const { inForce, core, limits, sender } = c.var
  const { issuers } = inForce.rules
  const verified = await limits.check(sender, () => verify(bearer(c), issuers, { clock: core.clock }))
  c.set('verified', verified)
  await next()
}

/** Whoever holds the token of the task in the path: `c.var.task`. */
export const byTaskToken: MiddlewareHandler<Env> = async (c, next) => {
  const task = await holder(c)
  await c.var.limits.admitAgent(task.agent)
  c.set('task', task)
  await next()
}

/** The same, to end something of it: however much the agent's other tasks ask for. */
export const byTaskTokenToEnd: MiddlewareHandler<Env> = async (c, next) => {
  c.set('task', await holder(c))
  await next()
}

async function holder(c: Context<Env>): Promise<Task> {
  const { core, limits, sender, about } = c.var
  const task = await limits.check(sender, () => authenticate(core, bearer(c), c.req.param('id') ?? ''))
  about.agent = task.agent
  about.task = task.id
  return task
}

/** An admin who has the right: `c.var.admin`. */
export function byAdmin(right: Right): MiddlewareHandler<Env> {
  return async (c, next) => {
    const { inForce, core, limits, sender } = c.var
    const check = () => authenticateAdmin(bearer(c), right, inForce, core.clock)
    c.set('admin', await limits.check(sender, check))
    await next()
  }
}
