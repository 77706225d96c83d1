/** Whether an agent may call a tool now: decided under its task at each call (docs/decisions/0053). */
import canonicalize from 'canonicalize'
import { BrokerError, type Denial } from '../base/errors.ts'
import { sha256 } from '../base/sha256.ts'
import type { Tx } from '../base/unit.ts'
import { identityOf } from '../identity/principal.ts'
import { askers, type AskingPolicy } from '../policy/askers.ts'
import { type Ask, decideInTurns } from '../policy/decide.ts'
import { toolRequest, tools, type ToolDetail } from '../provider/tools.ts'
import { asRead } from '../base/damage.ts'
import type { OwnedAgent } from '../agents/registry.ts'
import { grantedGroups } from './approval-digest.ts'
import type { Rules, TaskContext } from './context.ts'
import { policyDenied, reasonOf, recordDenial } from './denial.ts'
import { factsOf } from './facts.ts'
import { fencedTask } from './fenced.ts'
import { type Ancestor, standingAbove } from './lineage.ts'
import { identityNow } from './identity.ts'
import type { StoredTask, Task } from './task.ts'
import { waitingRefusal } from './waiting.ts'

export interface ToolCall extends Pick<ToolDetail, 'name' | 'resource'> {
  /** What the caller says of the call; policy may use it only to forbid. */
  words: Record<string, string>
}

export type ToolDecision =
  | { outcome: 'allowed' }
  | { outcome: 'denied'; refused: BrokerError }
  /** `waiting`: the child tasks that ask for just this already; `words`: what a child has to be opened with to ask. */
  | {
      outcome: 'pending_approval'
      approvals: Wanted[]
      waiting: Waiting[]
      words: Record<string, string>
    }

/** A group whose yes is missing, and the policies that want it. */
export interface Wanted {
  group: string
  policies: AskingPolicy[]
}

export interface Waiting {
  task: string
  approval: string
  group: string
  /** Milliseconds since 1970. */
  until: number
}

/** Decides the call. What policy, a fence or the end of the task denies is on record, by name and digest; nothing that was said is. */
export async function decideToolCall(
  context: TaskContext,
  rules: Rules,
  { id }: StoredTask,
  call: ToolCall,
): Promise<ToolDecision> {
  const { task, ...decided } = await context.unit.read(async (tx) => {
    const stored = await context.tasks.get(tx, id)
    if (!stored) throw new BrokerError('not_found', 'there is no such task')
    const standing = await standingOf(context, tx, rules, stored)
    if ('refused' in standing) return { task: stored, refused: standing.refused }
    const decision = await decideIn(context, tx, rules, standing, call)
    if (decision.outcome !== 'denied') return { task: stored, decision }
    return { task: stored, refused: policyDenied(decision.denials) }
  })
  if ('decision' in decided) return decided.decision
  const { refused } = decided
  await context.unit.write(async (tx) =>
    recordDenial(
      context,
      tx,
      { agent: { name: task.agent, owner: task.owner }, task: task.id },
      {
        tool: { name: call.name, resource: call.resource, said: digestOf(call.words) },
        ...reasonOf(refused),
      },
    ),
  )
  return { outcome: 'denied', refused }
}

function digestOf(words: Record<string, string>): string {
  return sha256(canonicalize(words)!)
}

interface Standing {
  task: Task
  agent: OwnedAgent
  /** Those that the task hangs off, its parent first. */
  above: readonly Ancestor[]
}

async function standingOf(
  context: TaskContext,
  tx: Tx,
  rules: Rules,
  task: StoredTask,
): Promise<Standing | { refused: BrokerError }> {
  const now = context.clock.now()
  if (task.status === 'pending_approval') return { refused: await waitingRefusal(context, tx, task) }
  if (task.status !== 'active' || task.expiresAt <= now)
    return { refused: new BrokerError('task_not_active', 'the task is over') }
  if ('damaged' in task)
    return { refused: new BrokerError('task_not_active', 'the task is not as it was opened') }
  const fenced = await fencedTask(context, tx, rules, task, [])
  if (fenced) return { refused: fenced }
  const identity = identityNow(rules, task, now)
  if ('lapsed' in identity) return { refused: identity.refusal }
  const standing = await standingAbove(context, tx, rules, task, [])
  return 'refused' in standing ? standing : { task, agent: identity.agent, above: standing.above }
}

type Decided = Exclude<ToolDecision, { outcome: 'denied' }> | { outcome: 'denied'; denials: Denial[] }

/**
 * As the rules and the approvals of this moment have it; the task has to stand. What bounds the task
 * has to be allowed it as well (invariant I8).
 */
export async function decideIn(
  context: TaskContext,
  tx: Tx,
  rules: Rules,
  { task, agent, above }: Standing,
  call: ToolCall,
): Promise<Decided> {
  const decided = await decideFor(context, tx, rules, { task, agent }, call)
  const [parent, ...others] = above
  if (decided.outcome !== 'allowed' || task.bounded === undefined || !parent) return decided
  return await decideIn(context, tx, rules, { ...parent, above: others }, call)
}

async function decideFor(
  context: TaskContext,
  tx: Tx,
  { policies }: Rules,
  { task, agent }: Pick<Standing, 'task' | 'agent'>,
  call: ToolCall,
): Promise<Decided> {
  const asks: Ask[] = [{ connection: 'tools', revocation: 'immediate', requests: [toolRequest(call)] }]
  const held = await context.leases.lockHeld(tx, {
    agent: agent.name,
    identity: identityOf(task.principal),
    tasks: await context.tasks.tree(tx, task.root),
  })
  const requested = { ...task, agent, context: { ...call.words, ...task.context } }
  const before = factsOf(requested, held)
  const unapproved = await decideInTurns(policies, before, asks)
  if (unapproved.outcome !== 'pending_approval') return unapproved

  const { attributes = 'all' } = policies.agents.get(agent.name) ?? {}
  const wordsCount = attributes === 'all' || attributes.has('request')
  const words = wordsCount ? call.words : {}
  const { given, waiting } = await approvalsFor(context, tx, task, { ...call, words })
  const facts = { ...before, approvals: given }
  const decision = given.length === 0 ? unapproved : await decideInTurns(policies, facts, asks)
  if (decision.outcome !== 'pending_approval') return decision
  const asking = await askers(policies, facts, asks)
  const { outcome, approvals: groups } = decision
  return {
    outcome,
    approvals: groups.map((group) => ({ group, policies: asking.get(group) ?? [] })),
    waiting: waiting.filter(({ group }) => groups.includes(group)),
    words,
  }
}

/**
 * The groups that have said yes to this call: to the task itself, or to a child that was opened to
 * ask for it. A yes is to one request: to the tool, and to what was said of the call when it was asked.
 */
async function approvalsFor(
  { tasks, approvals, seal, clock }: TaskContext,
  tx: Tx,
  task: Task,
  call: ToolCall,
): Promise<{ given: string[]; waiting: Waiting[] }> {
  const given = new Set<string>()
  const waiting: Waiting[] = []
  // What the task was opened with stays true, whatever is said now.
  const said = Object.entries(call.words).filter(([word]) => !Object.hasOwn(task.context, word))
  for (const each of [task, ...(await tasks.openChildren(tx, task.id))]) {
    if ('damaged' in each || each.expiresAt <= clock.now()) continue
    // A child for another agent was asked about for that one.
    const own = each.id === task.id || each.bounded === undefined
    if (!own || !holds(each.scope, call) || !said.every(([word, text]) => each.context[word] === text))
      continue
    const all = await approvals.ofTask(tx, each.id)
    if (each.status === 'active') for (const group of grantedGroups(seal, each, all)) given.add(group)
    else
      for (const { id, group, status } of all.map(asRead))
        if (status === 'pending') waiting.push({ task: each.id, approval: id, group, until: each.expiresAt })
  }
  return { given: [...given].toSorted(), waiting }
}

function holds(scope: Task['scope'], { name, resource }: ToolCall): boolean {
  return scope.some(({ provider, detail }) => {
    const asked = detail as Partial<ToolDetail>
    return provider === tools.type && asked.name === name && asked.resource === resource
  })
}
