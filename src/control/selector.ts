/** What an admin's selector means, here and now: never silently nothing. */
import type { Agent } from '../agents/agent.ts'
import { type FenceSelector, isOfClaims } from '../agents/fence.ts'
import { type MatchRule, requirements } from '../agents/match.ts'
import { fixedOwner, isSame } from '../agents/owner.ts'
import { matchesPattern } from '../agents/pattern.ts'
import { asRead } from '../base/damage.ts'
import { BrokerError } from '../base/errors.ts'
import { type Session, tokenOf } from '../identity/session.ts'
import { usableUntil } from '../identity/verify.ts'
import { type LeaseFilter, type StoredLease, unfinishedStatuses } from '../leases/lease.ts'
import type { Rules, TaskContext } from '../tasks/context.ts'
import { openStatuses, type StoredTask, type TaskFilter } from '../tasks/task.ts'
import type { Tx } from '../base/unit.ts'

/** What to stop: exactly one member. */
export type Selector =
  | { task: string }
  | { lease: string }
  /** The session that opened this task, or one by its claims. */
  | { session: string | Session }
  | { agent: string }
  | { owner: string }
  /** A provider's type, or `TYPE/CONNECTION`. */
  | { provider: string }
  /** An issuer by its configured name, or its URL. */
  | { issuer: string }
  | { claim: { issuer: string; name: string; value: string } }
  | { all: true }

/** What is configured, as far as selectors name it. */
export type Registered = Pick<Rules, 'agents' | 'issuers'>

/** A fence that a selector asks for. */
export interface Meant {
  selector: FenceSelector
  /** The agents that it is on, where it is on certain ones. */
  agents: string[]
  /** When it has nothing more to keep out, milliseconds since 1970; null: never. */
  over: number | null
  /** Whether it would keep out more than was selected: the session of a child is that of the task that it hangs off. */
  reachesUp?: boolean
}

/** A selector looked up. */
export interface Selected {
  /** The open tasks that it means. */
  tasks: StoredTask[]
  /** The leases that it means and that are not over. */
  leases: StoredLease[]
  /** What keeps the same out; undefined where nothing could: for a lease, or a task whose row is damaged. */
  fence: Meant | undefined
}

/**
 * With the tasks that it means also all that hangs off them, which ends with them.
 *
 * @throws BrokerError `not_found` where it names what is neither configured nor in the store.
 */
export async function select(
  context: TaskContext,
  tx: Tx,
  registered: Registered,
  selector: Selector,
): Promise<Selected> {
  const selected = await selectItself(context, tx, registered, selector)
  const meant = 'task' in selector ? [{ id: selector.task }] : selected.tasks
  return { ...selected, ...(await withBelow(context, tx, selected, meant)) }
}

async function withBelow(
  context: TaskContext,
  tx: Tx,
  { tasks, leases }: Pick<Selected, 'tasks' | 'leases'>,
  meant: readonly Pick<StoredTask, 'id'>[],
): Promise<Pick<Selected, 'tasks' | 'leases'>> {
  const allTasks = new Map(tasks.map((task) => [task.id, task]))
  const allLeases = new Map(leases.map((lease) => [lease.id, lease]))
  for (const { id } of meant)
    for (const task of await context.tasks.below(tx, id)) {
      if (isOpen(task)) allTasks.set(task.id, task)
      for (const lease of await unfinished(context, tx, { task: task.id })) allLeases.set(lease.id, lease)
    }
  return { tasks: [...allTasks.values()], leases: [...allLeases.values()] }
}

function isOpen({ status }: Pick<StoredTask, 'status'>): boolean {
  return (openStatuses as readonly string[]).includes(status)
}

async function selectItself(
  context: TaskContext,
  tx: Tx,
  registered: Registered,
  selector: Selector,
): Promise<Selected> {
  if ('task' in selector) return await ofTask(context, tx, selector.task)
  if ('lease' in selector) {
    const lease = await context.leases.get(tx, selector.lease)
    if (!lease) throw unknown('lease')
    return { tasks: [], leases: await unfinished(context, tx, { id: lease.id }), fence: undefined }
  }
  if ('session' in selector) {
    if (typeof selector.session === 'string') return await ofOpener(context, tx, registered, selector.session)
    const { claims } = selector.session
    const { url } = await issuerOf(context, tx, registered, selector.session.issuer)
    const session = { issuer: url, claims }
    return await ofClaims(context, tx, registered, session, { session })
  }
  if ('claim' in selector) {
    const { name, value } = selector.claim
    const { url } = await issuerOf(context, tx, registered, selector.claim.issuer)
    const claim = { issuer: url, name, value }
    return await ofClaims(context, tx, registered, { issuer: url, claims: { [name]: value } }, { claim })
  }
  if ('issuer' in selector) {
    const { name, url } = await issuerOf(context, tx, registered, selector.issuer)
    return await ofFilter(
      context,
      tx,
      { issuer: name },
      { selector: { issuer: url }, agents: [], over: null },
    )
  }
  if ('agent' in selector) {
    const { agent } = selector
    if (!registered.agents.get(agent) && !(await any(context, tx, { agent }))) throw unknown('agent')
    return await ofFilter(context, tx, { agent }, { selector, agents: [agent], over: null })
  }
  if ('owner' in selector) {
    const filter = ownedBy(registered, selector.owner)
    if (filter.ownersAgents.length === 0 && !(await any(context, tx, filter))) throw unknown('owner')
    return await ofFilter(context, tx, filter, { selector, agents: [], over: null })
  }
  if ('provider' in selector) {
    const filter = atProvider(selector.provider)
    if (!isConnected(context, filter) && !(await anyLease(context, tx, filter))) throw unknown('provider')
    const fence = { selector, agents: [], over: null }
    return { tasks: [], leases: await unfinished(context, tx, filter), fence }
  }
  return await ofFilter(context, tx, {}, { selector, agents: [], over: null })
}

/**
 * What an owner answered for when it came to be, and what the agents do that are theirs now. Of an
 * agent whose owner a claim names, each task is one person's, and the rest of it nobody's here.
 */
export function ownedBy({ agents }: Pick<Registered, 'agents'>, owner: string) {
  const isTheirs = ({ owner: named }: Agent) => isSame(fixedOwner(named), owner)
  const theirs = [...agents].filter(isTheirs).map(({ name }) => name)
  return { owner, ownersAgents: theirs }
}

/** One task; what keeps out is on its session. */
async function ofTask(context: TaskContext, tx: Tx, id: string): Promise<Selected> {
  const task = await context.tasks.get(tx, id)
  if (!task) throw unknown('task')
  const open = {
    tasks: isOpen(task) ? [task] : [],
    leases: await unfinished(context, tx, { task: id }),
  }
  // Whose token opened it, nobody knows any more.
  if ('damaged' in task) return { ...open, fence: undefined }
  const { session, principal, agent, parent, bounded } = task
  const token = session ? undefined : tokenOf(principal)
  const named = session ?? token
  return {
    ...open,
    fence: named && {
      selector: { session: named },
      agents: [agent],
      // Another token is another session where none is named: when this one is over, so is the fence.
      over: token ? usableUntil(principal.claims) : null,
      reachesUp: parent !== null && bounded !== 'delegated',
    },
  }
}

/** Whatever the session has open that opened the task. */
async function ofOpener(context: TaskContext, tx: Tx, registered: Registered, id: string): Promise<Selected> {
  const own = await ofTask(context, tx, id)
  if (!own.fence || !('session' in own.fence.selector)) return own
  const { selector, over } = own.fence
  const all = await ofClaims(context, tx, registered, selector.session, selector)
  const agents = [...new Set([...own.fence.agents, ...all.fence.agents])]
  return { ...all, fence: { selector, agents, over } }
}

async function ofFilter(
  context: TaskContext,
  tx: Tx,
  filter: Omit<TaskFilter, 'id' | 'statuses'>,
  fence: Meant,
): Promise<Selected> {
  return {
    tasks: await orAltered(context, tx, { ...filter, statuses: openStatuses }),
    leases: await unfinished(context, tx, filter),
    fence,
  }
}

/** Those that somebody has altered may be meant, whatever they say. */
async function orAltered({ tasks }: TaskContext, tx: Tx, filter: TaskFilter): Promise<StoredTask[]> {
  const found = [...(await tasks.find(tx, filter)), ...(await tasks.altered(tx))]
  return [...new Map(found.map((task) => [task.id, task])).values()]
}

/** Claims are in no column: those of what is open, or not over, are looked at one by one. */
async function ofClaims(
  context: TaskContext,
  tx: Tx,
  registered: Registered,
  session: Session,
  selector: FenceSelector,
): Promise<Selected & { fence: Meant }> {
  const meant = new Map<string, boolean>()
  const agents = new Set<string>()
  const isMeant = (task: StoredTask) => {
    const is = 'damaged' in task || isOfClaims(session, task.principal)
    meant.set(task.id, is)
    if (is && !('damaged' in task)) agents.add(task.agent)
    return is
  }
  const tasks = (await orAltered(context, tx, { statuses: openStatuses })).filter(isMeant)
  const leases: StoredLease[] = []
  for (const lease of await unfinished(context, tx, {})) {
    const task = meant.has(lease.task) ? undefined : await context.tasks.get(tx, lease.task)
    // Whose one was whose task is not to be found nobody can tell.
    if (task ? isMeant(task) : (meant.get(lease.task) ?? true)) leases.push(lease)
  }
  for (const agent of namedBy(registered, session)) agents.add(agent)
  return { tasks, leases, fence: { selector, agents: [...agents].toSorted(), over: null } }
}

/** Agents that are known by one of these claims: a fence on it is one on them, whether or not they are at work. */
function namedBy({ agents, issuers }: Registered, { issuer, claims }: Session): string[] {
  const name = issuers.get(issuer)?.name
  const isNamed = (rule: MatchRule) =>
    rule.issuer === name &&
    requirements(rule).some(({ name: claim, patterns }) => {
      const value = claims[claim]
      return value !== undefined && patterns.some((pattern) => matchesPattern(pattern, value))
    })
  return [...agents].filter(({ match }) => match.some(isNamed)).map((agent) => agent.name)
}

async function unfinished({ leases }: TaskContext, tx: Tx, filter: LeaseFilter): Promise<StoredLease[]> {
  return await leases.find(tx, { ...filter, statuses: unfinishedStatuses })
}

async function issuerOf(
  context: TaskContext,
  tx: Tx,
  { issuers }: Registered,
  said: string,
): Promise<{ name: string; url: string }> {
  const configured = [...issuers.values()].find(({ name, issuer }) => [name, issuer].includes(said))
  if (configured) return { name: configured.name, url: configured.issuer }
  const { items } = await context.tasks.list(tx, { issuer: said }, { limit: 1 })
  const [task] = items
  if (!task) throw unknown('issuer')
  return { name: said, url: asRead(task).principal.iss }
}

function atProvider(said: string): { provider: string; connection?: string } {
  const slash = said.indexOf('/')
  if (slash < 0) return { provider: said }
  return { provider: said.slice(0, slash), connection: said.slice(slash + 1) }
}

function isConnected(
  context: TaskContext,
  { provider, connection }: { provider: string; connection?: string },
): boolean {
  return [...context.connections()].some(
    (entry) => entry.provider.type === provider && (connection ?? entry.name) === entry.name,
  )
}

/** A task, or a lease: of an altered task only that says whose it is. */
async function any(
  context: TaskContext,
  tx: Tx,
  filter: Pick<TaskFilter, 'agent' | 'owner' | 'ownersAgents'>,
): Promise<boolean> {
  const { items } = await context.tasks.list(tx, filter, { limit: 1 })
  return items.length > 0 || (await anyLease(context, tx, filter))
}

async function anyLease({ leases }: TaskContext, tx: Tx, filter: LeaseFilter): Promise<boolean> {
  return (await leases.list(tx, filter, { limit: 1 })).items.length > 0
}

function unknown(what: string): BrokerError {
  return new BrokerError('not_found', `there is no such ${what}, neither configured nor in the store`)
}
