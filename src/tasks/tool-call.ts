/** Whether an agent may call a tool now: decided under its task at each call (docs/decisions/0053). */
import { canonicalize } from '../base/canonical.ts'
import { BrokerError } from '../base/errors.ts'
import { sha256 } from '../base/sha256.ts'
import type { Tx } from '../base/unit.ts'
import { identityOf } from '../identity/principal.ts'
import { askers, type AskingPolicy } from '../policy/askers.ts'
import { type Ask, decideInTurns, type Decision } from '../policy/decide.ts'
import { toolRequest, tools, type ToolDetail } from '../provider/tools.ts'
import { asRead } from '../base/damage.ts'
import type { OwnedAgent } from '../agents/registry.ts'
import { grantedGroups } from './approval-digest.ts'
import type { Rules, TaskContext } from './context.ts'
import { policyDenied, reasonOf, recordDenial } from './denial.ts'
import { factsOf } from './facts.ts'
import { fencedTask } from './fenced.ts'
import { type Ancestor, boundsRefusal, standingAbove } from './lineage.ts'
import { identityNow } from './identity.ts'
import type { StoredTask, Task } from './task.ts'
import { waitingRefusal } from './waiting.ts'

export interface ToolCall extends Pick<ToolDetail, 'name' | 'resource'> {
  /** What the caller says of the call; policy may use it only to forbid. */
  words: Record<string, string>
}

export type ToolDecision =
  | { outcome: 'allowed' }
  | Denied
  /** `waiting`: the child tasks that ask for just this already; `words`: what a child has to be opened with to ask. */
  | {
      outcome: 'pending_approval'
      approvals: Wanted[]
      waiting: Waiting[]
      words: Record<string, string>
    }

interface Denied {
  outcome: 'denied'
  refused: BrokerError
  /** What to do about it, where it is more than what the refusal's code says. */
  remedy?: string
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

/**
 * Decides the call. What policy, a fence or the end of the task denies is on record, by name and digest; nothing that was said is.
 *
 * @throws BrokerError `not_found`; `unavailable` for what would be allowed while nothing may be granted.
 */
export async function decideToolCall(
  context: TaskContext,
  rules: Rules,
  { id }: StoredTask,
  call: ToolCall,
): Promise<ToolDecision> {
  const { task, decision } = await context.unit.read(async (tx) => {
    const stored = await context.tasks.get(tx, id)
    if (!stored) throw new BrokerError('not_found', 'there is no such task')
    const standing = await standingOf(context, tx, rules, stored)
    return {
      task: stored,
      decision:
        'refused' in standing ? denied(standing.refused) : await decideIn(context, tx, rules, standing, call),
    }
  })
  // No row is written for it that would be refused.
  if (decision.outcome === 'allowed') context.mayGrant()
  if (decision.outcome !== 'denied') return decision
  await context.unit.write(async (tx) =>
    recordDenial(
      context,
      tx,
      { agent: { name: task.agent, owner: task.owner }, task: task.id },
      {
        tool: { name: call.name, resource: call.resource, said: digestOf(call.words) },
        ...reasonOf(decision.refused),
      },
    ),
  )
  return decision
}

function denied(refused: BrokerError, remedy?: string): Denied {
  return { outcome: 'denied', refused, ...(remedy !== undefined && { remedy }) }
}

function digestOf(words: Record<string, string>): string {
  return sha256(canonicalize(words))
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

/**
 * As the rules and the approvals of this moment have it; the task has to stand. What bounds the task
 * has to be allowed it as well (invariant I8), with all that is said of it here.
 */
export async function decideIn(
  context: TaskContext,
  tx: Tx,
  rules: Rules,
  standing: Standing,
  call: ToolCall,
): Promise<ToolDecision> {
  const { task, above } = standing
  const decided = await decideFor(context, tx, rules, standing, call)
  const [parent, ...others] = above
  if (decided.outcome === 'denied' || task.bounded === undefined || !parent) return decided
  const said = { ...call, words: saidOf(task, call) }
  const bounding = await decideIn(context, tx, rules, { ...parent, above: others }, said)
  if (bounding.outcome === 'denied') return bounding
  if (bounding.outcome === 'pending_approval') return lackingAbove(parent.task, bounding.approvals)
  if (decided.outcome === 'allowed') return decided
  return (await askingRefusal(context, tx, rules, standing, call)) ?? decided
}

/** All that is said of the call: what the task was opened with stays true, whatever is said now. */
function saidOf({ context }: Task, { words }: ToolCall): Record<string, string> {
  return { ...words, ...context }
}

function lackingAbove({ id }: Task, approvals: readonly Wanted[]): Denied {
  const groups = approvals.map(({ group }) => group).join(' and ')
  return denied(
    policyDenied([], `${id}, which this hangs off, would need a yes of ${groups} for it now`),
    `Ask for it with the token of ${id} and have it approved there, with just what is said here, or do without.`,
  )
}

/** Why no child of a bounded task could ask for the yes: it may have no more than the task was opened with. */
async function askingRefusal(
  context: TaskContext,
  tx: Tx,
  rules: Rules,
  { task, agent, above }: Standing,
  { name, resource }: ToolCall,
): Promise<Denied | undefined> {
  const asked = rules.connections.resolveAll([{ type: tools.type, name, resource }], 'tool')
  const bounds = { bounded: task.bounded, above: [{ task, agent }, ...above] }
  const beyond = await boundsRefusal(context, tx, rules, bounds, asked)
  if (!beyond) return undefined
  return denied(
    policyDenied(
      [],
      'this waits for a yes, which a task within another asks for only with what both were opened with',
    ),
    'Open a task for it with this tool among its authorization_details, and those of all that it hangs off, or do without.',
  )
}

async function decideFor(
  context: TaskContext,
  tx: Tx,
  { policies, agents }: Rules,
  { task, agent }: Pick<Standing, 'task' | 'agent'>,
  call: ToolCall,
): Promise<ToolDecision> {
  const asks: Ask[] = [{ connection: 'tools', revocation: 'immediate', requests: [toolRequest(call)] }]
  const held = await context.leases.lockHeld(tx, {
    ...agents.shareOf(task.agent, task.owner),
    identity: identityOf(task.principal),
    tasks: await context.tasks.tree(tx, task.root),
  })
  const requested = { ...task, agent, context: saidOf(task, call) }
  const before = factsOf(requested, held)
  const unapproved = await decideInTurns(policies, before, asks)
  if (unapproved.outcome !== 'pending_approval') return plain(unapproved)

  const { attributes = 'all' } = policies.agents.get(agent.name) ?? {}
  const wordsCount = attributes === 'all' || attributes.has('request')
  const said = wordsCount ? saidOf(task, call) : undefined
  const { given, waiting } = await approvalsFor(context, tx, task, call, said)
  const facts = { ...before, approvals: given }
  const decision = given.length === 0 ? unapproved : await decideInTurns(policies, facts, asks)
  if (decision.outcome !== 'pending_approval') return plain(decision)
  const asking = await askers(policies, facts, asks)
  const { outcome, approvals: groups } = decision
  return {
    outcome,
    approvals: groups.map((group) => ({ group, policies: asking.get(group) ?? [] })),
    waiting: waiting.filter(({ group }) => groups.includes(group)),
    words: said ?? {},
  }
}

function plain(decision: Exclude<Decision, { outcome: 'pending_approval' }>): ToolDecision {
  return decision.outcome === 'denied' ? denied(policyDenied(decision.denials)) : decision
}

/**
 * The groups that have said yes to this call: to the task itself, or to a child that was opened to
 * ask for it. A yes is to one request: to the tool, and where words count to all that was said, no
 * more and no less. Less is said by who wants a yes to `tag: beta` for a call that is about no tag.
 */
async function approvalsFor(
  { tasks, approvals, seal, clock }: TaskContext,
  tx: Tx,
  task: Task,
  call: ToolCall,
  said: Record<string, string> | undefined,
): Promise<{ given: string[]; waiting: Waiting[] }> {
  const given = new Set<string>()
  const waiting: Waiting[] = []
  const exact = said && canonicalize(said)
  for (const each of [task, ...(await tasks.openChildren(tx, task.id))]) {
    if ('damaged' in each || each.expiresAt <= clock.now()) continue
    // A child for another agent, or delegated, was asked about for that one and its identity.
    const own = each.id === task.id || (each.agent === task.agent && each.bounded !== 'delegated')
    if (!own || !holds(each.scope, call)) continue
    if (exact !== undefined && canonicalize(each.context) !== exact) continue
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
