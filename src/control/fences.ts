/** Raising fences, and lifting them. */
import { canonicalize } from '../base/canonical.ts'
import { type Fence, fenceKey, stands, type StoredFence } from '../agents/fence.ts'
import { fixedOwner, type Human, ownerRefusal } from '../agents/owner.ts'
import type { Actor } from '../audit/event.ts'
import { asRead } from '../base/damage.ts'
import { BrokerError } from '../base/errors.ts'
import { newId } from '../base/id.ts'
import { isoTime } from '../base/iso-time.ts'
import type { Rules, TaskContext } from '../tasks/context.ts'
import type { Tx } from '../base/unit.ts'
import type { Admin } from './authenticate.ts'
import { type Registered, select, type Selector } from './selector.ts'

/** Selects a fence to be raised: a task stands for its session, and a lease for nobody. */
export type Fencing = Exclude<Selector, { task: string } | { lease: string }>

export interface FencingOrder {
  selector: Fencing
  /** The admin's own words. */
  reason: string
  actor: Actor
  /** Milliseconds since 1970; undefined: until it is lifted. */
  until?: number | undefined
}

/**
 * Keeps out whomever the selector means; what they have is not taken from them.
 *
 * @throws BrokerError `not_found` for what is neither configured nor in the store.
 */
export async function raise(
  context: TaskContext,
  registered: Registered,
  { selector, ...order }: FencingOrder,
): Promise<Fence> {
  const meant = async (tx: Tx) => {
    const { fence } = await select(context, tx, registered, selector)
    if (!fence) throw new BrokerError('conflict', 'the row of this task is damaged, and names no session')
    return fence
  }
  return await context.unrecorded.carryOut({
    name: `fence ${JSON.stringify([selector, order])}`,
    async work(tx) {
      const fence = await meant(tx)
      return await raiseFence(context, tx, { ...fence, ...order, until: order.until ?? fence.over })
    },
    async leases(tx) {
      await meant(tx)
      return []
    },
  })
}

/** Raises the fence, unless one stands already that does all that it would: then that one is given back. */
export async function raiseFence(
  context: TaskContext,
  tx: Tx,
  order: Pick<Fence, 'selector' | 'agents' | 'reason' | 'until'> & { actor: Actor },
): Promise<Fence> {
  const { fences, audit, clock } = context
  const { selector, agents, reason, actor, until } = order
  const key = fenceKey(selector)
  const before = (await fences.byKeys(tx, [key])).filter((fence) => stands(fence, context.clock))
  const sound = before.filter((fence): fence is Fence => !('damaged' in fence))
  const same = sound.find(
    (fence) =>
      canonicalize(fence.selector) === canonicalize(selector) &&
      agents.every((agent) => fence.agents.includes(agent)) &&
      (fence.until === null || (until !== null && until <= fence.until)),
  )
  if (same) return same
  const at = clock.now()
  const by = actor.replace(/^admin:/, '')
  const fence = { id: newId('fence'), selector, agents, reason, by, at, until }
  await fences.insert(tx, fence, key)
  const whom = 'agent' in selector && { agent: selector.agent }
  audit.record(tx, {
    at,
    type: 'fence.raised',
    actor,
    ...whom,
    data: { fence: fence.id, selector, agents, reason, until: until && isoTime(until) },
  })
  if (whom && before.length === 0)
    audit.record(tx, { at, type: 'agent.suspended', actor, ...whom, data: { reason } })
  return fence
}

/** Takes the fence away: whoever may do it has been looked at. */
export async function liftFence(
  context: TaskContext,
  tx: Tx,
  fence: StoredFence,
  { reason, actor }: { reason: string | undefined; actor: Actor },
): Promise<void> {
  const { fences, audit, clock } = context
  const { id, selector } = asRead(fence)
  const at = clock.now()
  // Of one that was altered nobody knows which agent it was on.
  const whom = !('damaged' in fence) && 'agent' in selector && { agent: selector.agent }
  const said = reason !== undefined && { reason }
  if (!(await fences.remove(tx, id))) return
  audit.record(tx, { at, type: 'fence.lifted', actor, ...whom, data: { fence: id, selector, ...said } })
  if (!whom) return
  const left = await fences.byKeys(tx, [fenceKey(selector)])
  if (!left.some((other) => stands(other, clock)))
    audit.record(tx, { at, type: 'agent.resumed', actor, ...whom, data: { ...said } })
}

/** Takes a fence away by its id. @throws BrokerError `not_found`; `forbidden` for the owner of an agent that it is on. */
export async function lift(
  context: TaskContext,
  { agents }: Pick<Rules, 'agents'>,
  admin: Admin,
  id: string,
  reason: string | undefined,
): Promise<StoredFence> {
  const { unit, fences } = context
  const rule = 'nobody lifts a fence on an agent they own'
  const { owners } = await unit.read(async (tx) => {
    const found = await fences.get(tx, id)
    return { owners: found ? await ownersOf(context, tx, agents, found, admin) : [] }
  })
  await requireAnother(context, admin, rule, { fence: id, owners })
  return await unit.write(async (tx) => {
    const fence = await fences.get(tx, id)
    if (!fence) throw new BrokerError('not_found', 'there is no such fence')
    await liftFence(context, tx, fence, { reason, actor: `admin:${admin.id}` })
    return fence
  })
}

/** Whoever answers for what the fence is on. One that was altered may have been on any agent. */
async function ownersOf(
  context: TaskContext,
  tx: Tx,
  registered: Rules['agents'],
  fence: StoredFence,
  admin: Human,
): Promise<string[]> {
  const anyAgent = 'damaged' in fence
  const { selector } = asRead(fence)
  const owners = !anyAgent && 'owner' in selector ? [selector.owner] : []
  const on = anyAgent ? [...registered].map(({ name }) => name) : fence.agents
  for (const agent of on) owners.push(...(await agentOwners(context, tx, registered, agent, admin)))
  return owners
}

/**
 * Whoever answers for the agent: its owner now, and the one under whom it last had a task. Of an
 * agent that is owned by whoever a claim names, `human` is an owner who has had a task of it.
 */
export async function agentOwners(
  { tasks }: Pick<TaskContext, 'tasks'>,
  tx: Tx,
  registered: Rules['agents'],
  agent: string,
  human: Human,
): Promise<string[]> {
  const configured = registered.get(agent)
  const fixed = configured && fixedOwner(configured.owner)
  const last = { agent }
  const own = [human.subject, human.email].flatMap((owner) => (owner === undefined ? [] : [{ agent, owner }]))
  const owners = fixed === undefined ? [] : [fixed]
  for (const filter of fixed === undefined ? [last, ...own] : [last]) {
    const { items } = await tasks.list(tx, filter, { limit: 1 })
    owners.push(...items.map(({ owner }) => owner))
  }
  return owners
}

/** Four eyes. @throws BrokerError `forbidden`, which is on record. */
export async function requireAnother(
  { unit, audit, clock }: TaskContext,
  admin: Admin,
  rule: string,
  { owners, agent, fence }: { owners: readonly string[]; agent?: string; fence?: string },
): Promise<void> {
  const own = ownerRefusal(admin, owners, rule)
  if (!own) return
  const { owner, refused } = own
  await unit.write(async (tx) =>
    audit.record(tx, {
      at: clock.now(),
      type: 'request.denied',
      actor: `admin:${admin.id}`,
      ...(agent !== undefined && { agent }),
      owner,
      data: { reason: refused.message, ...(fence !== undefined && { fence }) },
    }),
  )
  throw refused
}
