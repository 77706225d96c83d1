/** Stopping an agent, and letting it go on. */
import { isOwner } from '../agents/owner.ts'
import { BrokerError } from '../errors.ts'
import type { Lease } from '../leases/lease.ts'
import type { Rules, TaskContext } from '../tasks/context.ts'
import { endTask, revokeNow } from '../tasks/end.ts'
import { openStatuses } from '../tasks/task.ts'
import type { Admin } from './authenticate.ts'

/**
 * Suspends the agent until it is resumed, across restarts and reloads, ends its
 * tasks and revokes what it holds. Idempotent.
 *
 * @throws BrokerError `not_found`
 */
export async function suspendAgent(
  context: TaskContext,
  rules: Rules,
  admin: Admin,
  name: string,
  reason: string,
): Promise<void> {
  requireAgent(rules, name)
  const { unit, suspensions, tasks, audit, clock } = context
  const actor = `admin:${admin.id}` as const
  const leaving = await unit.write(async (tx) => {
    const at = clock.now()
    if (!(await suspensions.get(tx, name))) {
      await suspensions.put(tx, { agent: name, by: admin.id, reason, at })
      audit.record(tx, { at, type: 'agent.suspended', actor, agent: name, data: { reason } })
    }
    const retired: Lease[] = []
    for (const task of await tasks.find(tx, { agent: name, statuses: openStatuses }))
      retired.push(...(await endTask(context, tx, task, { reason: 'agent_suspended', actor, note: reason })))
    return retired
  })
  await revokeNow(context, leaving)
}

/** @throws BrokerError `not_found`; `conflict` where it is not suspended; `forbidden` for its own owner. */
export async function resumeAgent(
  context: TaskContext,
  rules: Rules,
  admin: Admin,
  name: string,
  reason: string,
): Promise<void> {
  const { owner } = requireAgent(rules, name)
  const { unit, suspensions, audit, clock } = context
  const actor = `admin:${admin.id}` as const
  if (isOwner(admin, owner)) {
    const refused = new BrokerError('forbidden', 'nobody resumes an agent they own')
    const data = { reason: refused.message }
    await unit.write(async (tx) =>
      audit.record(tx, { at: clock.now(), type: 'request.denied', actor, agent: name, owner, data }),
    )
    throw refused
  }
  await unit.write(async (tx) => {
    if (!(await suspensions.remove(tx, name)))
      throw new BrokerError('conflict', 'this agent is not suspended')
    audit.record(tx, { at: clock.now(), type: 'agent.resumed', actor, agent: name, data: { reason } })
  })
}

function requireAgent(rules: Rules, name: string) {
  const agent = rules.agents.get(name)
  if (!agent) throw new BrokerError('not_found', 'there is no such agent')
  return agent
}
