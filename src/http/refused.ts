/** Puts on record a refusal that nothing else has recorded, to be found by its caller's request id. */
import type { Context } from 'hono'
import type { AuditEvent } from '../audit/event.ts'
import { ownerFor } from '../agents/owner.ts'
import type { BrokerError } from '../base/errors.ts'
import { reasonOf } from '../tasks/denial.ts'
import type { Env } from './context.ts'
import { statusOf } from './problem.ts'

/**
 * Of somebody who has said who they are, and of what was to change or give something. What a limit
 * turns away is in the log alone, where it can be thrown away; strangers are counted.
 */
export async function recordRefusal(c: Context<Env>, error: BrokerError): Promise<void> {
  const { core, onRecord } = c.var
  const { unit, audit, clock } = core
  const who = asking(c.var)
  // octo-sts' clients get their token with a GET.
  const reads = c.req.method === 'GET' && c.req.path !== '/sts/exchange'
  if (!who || onRecord.any || reads) return
  if (error.code === 'limit_exceeded' || statusOf(error) >= 500) return
  await unit.write(async (tx) =>
    audit.record(tx, { at: clock.now(), type: 'request.denied', ...who, data: reasonOf(error) }),
  )
}

function asking({
  about,
  task,
  admin,
  verified,
  inForce,
}: Env['Variables']): Omit<AuditEvent, 'at' | 'type'> | undefined {
  const { agent } = about
  // Set by the authentication of some routes only, whatever the type says.
  if ((admin as typeof admin | undefined) !== undefined) return { actor: `admin:${admin.id}` }
  if (agent === undefined) return undefined
  const held = task as typeof task | undefined
  const principal = (verified as typeof verified | undefined)?.principal
  const configured = inForce.rules.agents.get(agent)?.owner
  const owner = held?.owner ?? (configured && principal && ownerFor(configured, principal))
  return {
    actor: `agent:${agent}`,
    agent,
    ...(owner !== undefined && { owner }),
    ...(held && { task: held.id }),
  }
}
