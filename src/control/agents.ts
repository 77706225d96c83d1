/** The agents as an admin sees them. */
import type { Agent } from '../agents/agent.ts'
import { inForce } from '../agents/in-force.ts'
import { unfinished } from '../leases/lease.ts'
import type { Rules, TaskContext } from '../tasks/context.ts'
import { open, type Suspension } from '../tasks/task.ts'

export type AgentStatus = 'active' | 'suspended' | 'expired'

export interface AgentView {
  agent: Agent
  status: AgentStatus
  suspension: Suspension | undefined
  /** What is not over yet. */
  openTasks: number
  liveLeases: number
}

export interface AgentFilter {
  name?: string | undefined
  owner?: string | undefined
  environment?: string | undefined
  status?: AgentStatus | undefined
}

/** In order of name. */
export async function listAgents(
  context: TaskContext,
  rules: Rules,
  filter: AgentFilter,
): Promise<AgentView[]> {
  const now = context.clock.now()
  return await context.unit.read(async (tx) => {
    const suspensions = new Map((await context.suspensions.all(tx)).map((each) => [each.agent, each]))
    const tasks = Map.groupBy(await context.tasks.find(tx, { statuses: open }), (task) => task.agent)
    const leases = Map.groupBy(
      await context.leases.find(tx, { statuses: unfinished }),
      (lease) => lease.agent,
    )
    return [...rules.agents]
      .map((agent): AgentView => {
        const suspension = suspensions.get(agent.name)
        return {
          agent,
          suspension,
          status: suspension ? 'suspended' : inForce(agent, now) ? 'active' : 'expired',
          openTasks: tasks.get(agent.name)?.length ?? 0,
          liveLeases: leases.get(agent.name)?.length ?? 0,
        }
      })
      .filter(
        ({ agent, status }) =>
          (filter.name ?? agent.name) === agent.name &&
          (filter.owner ?? agent.owner) === agent.owner &&
          (filter.environment ?? agent.environment) === agent.environment &&
          (filter.status ?? status) === status,
      )
      .toSorted((a, b) => (a.agent.name < b.agent.name ? -1 : 1))
  })
}
