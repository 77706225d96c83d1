/** The agents as an admin sees them. */
import type { Agent } from '../agents/agent.ts'
import { fixedOwner, isSame } from '../agents/owner.ts'
import { type StoredFence, stands } from '../agents/fence.ts'
import { isReviewed } from '../agents/review-date.ts'
import { asRead } from '../base/damage.ts'
import type { Page, PageRequest } from '../base/page.ts'
import type { Rules, TaskContext } from '../tasks/context.ts'

export const agentStatuses = ['active', 'suspended', 'expired'] as const
type AgentStatus = (typeof agentStatuses)[number]

export interface AgentView {
  agent: Agent
  status: AgentStatus
  /** The fence on it that has stood the longest. */
  suspension: StoredFence | undefined
  /** What is not over yet. */
  openTasks: number
  liveLeases: number
}

interface AgentFilter {
  name?: string | undefined
  /** Also of an agent whose owner a claim names: who has had a task of it. */
  owner?: string | undefined
  environment?: string | undefined
  status?: AgentStatus | undefined
}

/** In order of name, which is also the cursor: the last one seen. */
export async function listAgents(
  context: TaskContext,
  rules: Rules,
  filter: AgentFilter,
  { limit, cursor }: PageRequest,
): Promise<Page<AgentView>> {
  const all = await agentsNow(context, rules, filter)
  const after = cursor === undefined ? all : all.filter(({ agent }) => agent.name > cursor)
  const items = after.slice(0, limit)
  return { items, next: after.length > limit ? items.at(-1)!.agent.name : null }
}

/** The configured agent of this name. */
export async function readAgent(context: TaskContext, rules: Rules, name: string): Promise<AgentView> {
  const [agent] = await agentsNow(context, rules, { name })
  return agent!
}

async function agentsNow(context: TaskContext, rules: Rules, filter: AgentFilter): Promise<AgentView[]> {
  const now = context.clock.now()
  return await context.unit.read(async (tx) => {
    const fences = (await context.fences.find(tx, { kind: 'agent' })).filter((fence) =>
      stands(fence, context.clock),
    )
    const { owner } = filter
    const isTheirs = async (agent: Agent) =>
      owner === undefined ||
      isSame(fixedOwner(agent.owner), owner) ||
      (typeof agent.owner !== 'string' &&
        (await context.tasks.list(tx, { agent: agent.name, owner }, { limit: 1 })).items.length > 0)
    const agents: Agent[] = []
    for (const agent of rules.agents)
      if ((filter.name ?? agent.name) === agent.name && (await isTheirs(agent))) agents.push(agent)
    const views = agents.map(async (agent): Promise<AgentView> => {
      const { name } = agent
      const suspension = fences.find((fence) => {
        const { selector } = asRead(fence)
        return 'agent' in selector && selector.agent === name
      })
      return {
        agent,
        suspension,
        status: suspension ? 'suspended' : isReviewed(agent, now) ? 'active' : 'expired',
        openTasks: (await context.tasks.countOpen(tx, { agent: name })).all,
        liveLeases: await context.leases.countLive(tx, name),
      }
    })
    return (await Promise.all(views))
      .filter(
        ({ agent, status }) =>
          (filter.environment ?? agent.environment) === agent.environment &&
          (filter.status ?? status) === status,
      )
      .toSorted((a, b) => (a.agent.name < b.agent.name ? -1 : 1))
  })
}
