/** Who calls, found out before anything else of the request is read. */
import type { Context, MiddlewareHandler } from 'hono'
import type { OwnedAgent } from '../agents/registry.ts'
import { nearest } from '../agents/nearest.ts'
import { authenticateAdmin } from '../control/authenticate.ts'
import type { Right } from '../control/admins.ts'
import { isBrokerError } from '../base/errors.ts'
import type { Principal } from '../identity/principal.ts'
import { verify } from '../identity/verify.ts'
import type { StoredTask } from '../tasks/task.ts'
import { authenticate, isTaskToken } from '../tasks/token.ts'
import { bearer } from './bearer.ts'
import type { Env } from './context.ts'

/**
 * The agent that the principal acts as. Of one that matches none, the log tells the operator who it
 * is and which rule came nearest: it is the commonest trouble of a new installation.
 */
export async function agentOf(
  { inForce, limits, about }: Env['Variables'],
  principal: Principal,
  named: string | undefined,
): Promise<OwnedAgent> {
  const { agents } = inForce.rules
  try {
    const agent = agents.choose(principal, named)
    about.agent = agent.name
    return agent
  } catch (error) {
    const unmatched = isBrokerError(error, 'unknown_agent') && agents.matching(principal).length === 0
    if (unmatched && (await limits.mayExplain())) {
      const { issuer, subject } = principal
      const miss = nearest(agents, principal)
      about.unmatched = { issuer, subject, ...(miss && { nearest: miss }) }
    }
    throw error
  }
}

/** Whoever holds the token of the task in the path, or of some task where none stands there: `c.var.task`. */
export const byTaskToken: MiddlewareHandler<Env> = async (c, next) => {
  c.set('task', await admittedHolder(c))
  await next()
}

/** The same, to end something of it or to keep it: however much the agent's other tasks ask for. */
export const byTaskTokenAlways: MiddlewareHandler<Env> = async (c, next) => {
  c.set('task', await holder(c))
  await next()
}

/** A workload with its own OIDC token, or whoever holds a task's token: `c.var.asker`. */
export const byWorkloadOrTask: MiddlewareHandler<Env> = async (c, next) => {
  const token = bearer(c)
  if (isTaskToken(token)) {
    const task = await admittedHolder(c)
    c.set('task', task)
    c.set('asker', { task })
  } else {
    const { inForce, core, limits, sender } = c.var
    const { issuers } = inForce.rules
    const verified = await limits.check(sender, () => verify(token, issuers, { clock: core.clock }))
    c.set('verified', verified)
    c.set('asker', { verified })
  }
  await next()
}

/** One whose agent asks for no more than it may. */
async function admittedHolder(c: Context<Env>): Promise<StoredTask> {
  const task = await holder(c)
  const { inForce, limits } = c.var
  await limits.admitAgent(inForce.rules.agents.shareOf(task.agent, task.owner))
  return task
}

async function holder(c: Context<Env>): Promise<StoredTask> {
  const { core, limits, sender, about } = c.var
  const task = await limits.check(sender, () => authenticate(core, bearer(c), c.req.param('id')))
  about.agent = task.agent
  about.task = task.id
  // Whoever calls is not silent, whatever comes of the call.
  core.heartbeats.hear(task)
  return task
}

/** An admin who has the right: `c.var.admin`. */
export function byAdmin(right: Right): MiddlewareHandler<Env> {
  return async (c, next) => {
    const { inForce, core, limits, sender } = c.var
    const check = () => authenticateAdmin(core, bearer(c), right, inForce)
    c.set('admin', await limits.check(sender, check))
    await next()
  }
}
