/** Stopping an agent, and letting it go on: a fence on it, raised and lifted. */
import { fenceKey, stands } from '../agents/fence.ts'
import { BrokerError } from '../base/errors.ts'
import { revokeNow } from '../leases/revoke-now.ts'
import type { Rules, TaskContext } from '../tasks/context.ts'
import type { Tx } from '../base/unit.ts'
import type { Admin } from './authenticate.ts'
import { agentOwners, liftFence, raiseFence, requireAnother } from './fences.ts'
import { endSelected } from './revocations.ts'
import { select } from './selector.ts'

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
  const actor = `admin:${admin.id}` as const
  const selected = (tx: Tx) => select(context, tx, rules, { agent: name })
  const leaving = await context.unrecorded.carryOut({
    name: `suspend ${JSON.stringify([name, actor, reason])}`,
    async work(tx) {
      await raiseFence(context, tx, { selector: { agent: name }, agents: [name], reason, actor, until: null })
      const cause = { reason: 'agent_suspended', actor, note: reason } as const
      return (await endSelected(context, tx, await selected(tx), cause)).leaving
    },
    leases: async (tx) => (await selected(tx)).leases,
  })
  await revokeNow(context, leaving)
}

/**
 * Lifts every fence on the agent itself.
 *
 * @throws BrokerError `not_found`; `conflict` where it is not suspended; `forbidden` for its own owner.
 */
export async function resumeAgent(
  context: TaskContext,
  rules: Rules,
  admin: Admin,
  name: string,
  reason: string,
): Promise<void> {
  requireAgent(rules, name)
  const owners = await context.unit.read((tx) => agentOwners(context, tx, rules.agents, name, admin))
  await requireAnother(context, admin, 'nobody resumes an agent they own', { agent: name, owners })
  await context.unit.write(async (tx) => {
    const fences = await context.fences.byKeys(tx, [fenceKey({ agent: name })])
    if (!fences.some((fence) => stands(fence, context.clock)))
      throw new BrokerError('conflict', 'this agent is not suspended')
    for (const fence of fences) await liftFence(context, tx, fence, { reason, actor: `admin:${admin.id}` })
  })
}

function requireAgent(rules: Rules, name: string) {
  const agent = rules.agents.get(name)
  if (!agent) throw new BrokerError('not_found', 'there is no such agent')
  return agent
}
