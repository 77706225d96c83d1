/** `admin agents`, `tasks`, `leases`, `approvals` and `fences`. */
import type { Command } from 'commander'
import { fenceKinds } from '../../agents/fence.ts'
import { agentStatuses } from '../../control/agents.ts'
import { leaseStatuses } from '../../leases/lease.ts'
import { approvalStatuses } from '../../tasks/approval.ts'
import { taskStatuses } from '../../tasks/task.ts'
import { sessionText } from '../describe.ts'
import { duration } from '../print.ts'
import { scopeText } from '../scope.ts'
import { type Listing, registerList } from './list.ts'
import { selectorText } from './stop.ts'

export function registerLists(group: Command): void {
  registerList(group, agents)
  registerList(group, tasks)
  registerList(group, leases)
  registerList(group, approvals)
  registerList(group, fences)
}

const agents: Listing<'agents'> = {
  kind: 'agents',
  summary: 'list the agents, and what they hold',
  filters: {
    name: 'the one of this name',
    owner: 'those that this owner answers for',
    environment: 'those of this environment',
    status: agentStatuses,
  },
  columns: {
    NAME: (agent) => agent.name,
    STATUS: (agent) => agent.status,
    OWNER: ({ owner }) => (typeof owner === 'string' ? owner : `by claim ${owner.claim}`),
    ENVIRONMENT: (agent) => agent.environment,
    'REVIEW BY': (agent) => agent.review_by,
    'OPEN TASKS': (agent) => String(agent.open_tasks),
    'LIVE LEASES': (agent) => String(agent.live_leases),
    SUSPENDED: ({ suspension }) => (suspension ? `by ${suspension.by}: ${suspension.reason}` : ''),
  },
}

const tasks: Listing<'tasks'> = {
  kind: 'tasks',
  summary: 'list tasks',
  filters: {
    id: 'the one with this id',
    agent: 'those of this agent',
    owner: 'those of the agents that this owner answers for',
    issuer: 'those opened with a token of this issuer, by its configured name',
    status: taskStatuses,
  },
  columns: {
    ID: (task) => task.id,
    STATUS: (task) => task.status,
    AGENT: (task) => task.agent,
    OWNER: (task) => task.owner,
    OPENED: (task) => task.created_at,
    'UNTIL, ENDED': (task) => task.ended_at ?? task.expires_at,
    WHY: (task) => task.end_reason ?? '',
    'APPROVED BY': ({ approvals: asked }) =>
      asked.flatMap(({ status, by }) => (status === 'granted' && by !== null ? [by] : [])).join(', '),
    LEASES: (task) => String(task.leases.length),
    PURPOSE: (task) => task.purpose,
  },
}

const leases: Listing<'leases'> = {
  kind: 'leases',
  summary: 'list leases, with the evidence that they are dead',
  filters: {
    id: 'the one with this id',
    task: 'those of this task',
    agent: 'those of this agent',
    owner: 'those of the agents that this owner answers for',
    issuer: 'those of tasks opened with a token of this issuer, by its configured name',
    provider: 'those of this provider, as github',
    connection: 'those of this connection, by its configured name',
    status: leaseStatuses,
  },
  columns: {
    ID: (lease) => lease.id,
    STATUS: (lease) => lease.status,
    AGENT: (lease) => lease.agent,
    CONNECTION: (lease) => `${lease.provider}/${lease.connection}`,
    FOR: ({ authorization_detail: detail }) => scopeText(detail),
    CLASS: (lease) => lease.class,
    REVOCATION: (lease) => lease.revocation,
    DEADLINE: (lease) => lease.deadline,
    FOUND: (lease) => lease.evidence?.result ?? '',
    'FAILING SINCE': (lease) => lease.failing_since ?? '',
    TASK: (lease) => lease.task,
  },
}

const approvals: Listing<'approvals'> = {
  kind: 'approvals',
  summary: 'list what waits for a yes, and what was answered',
  filters: {
    id: 'the one with this id',
    task: 'those of this task',
    agent: 'those of this agent',
    owner: 'those of the agents that this owner answers for',
    group: 'those that this group is asked for',
    status: approvalStatuses,
  },
  columns: {
    ID: (approval) => approval.id,
    STATUS: (approval) => approval.status,
    GROUP: (approval) => approval.group,
    AGENT: (approval) => approval.task.agent,
    RUN: ({ task: { session } }) => (session ? sessionText(session) : ''),
    POLICY: ({ policies = [] }) =>
      policies.map(({ id, description }) => (description === null ? id : `${id}: ${description}`)).join('; '),
    WAITED: ({ waited }) => (waited === null ? '' : duration(waited)),
    'ANSWERED BY': (approval) => approval.by ?? '',
    TASK: (approval) => approval.task.id,
    PURPOSE: (approval) => approval.task.purpose,
  },
}

const fences: Listing<'fences'> = {
  kind: 'fences',
  summary: 'list what keeps out, and whom',
  filters: {
    id: 'the one with this id',
    kind: fenceKinds,
  },
  columns: {
    ID: (fence) => fence.id,
    STATUS: (fence) => fence.status,
    'KEEPS OUT': (fence) => selectorText(fence.selector),
    AGENTS: (fence) => fence.agents.join(', '),
    SINCE: (fence) => fence.at,
    UNTIL: (fence) => fence.until ?? '',
    BY: (fence) => fence.by,
    WHY: (fence) => fence.reason,
  },
}
