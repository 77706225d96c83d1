/** Raising fences, and lifting them. */
import canonicalize from 'canonicalize'
import { type Fence, fenceKey, fenceMac, type FenceSelector, isGenuine, stands } from '../agents/fence.ts'
import { isOwner } from '../agents/owner.ts'
import type { Actor } from '../audit/event.ts'
import { BrokerError } from '../errors.ts'
import { newId } from '../id.ts'
import type { TaskContext } from '../tasks/context.ts'
import type { Tx } from '../unit.ts'
import type { Admin } from './authenticate.ts'

export interface FenceOrder {
  selector: FenceSelector
  /** The agents that it is meant for, where it is for certain ones. */
  agents: string[]
  /** The admin's own words. */
  reason: string
  actor: Actor
  /** Milliseconds since 1970; null: until it is lifted. */
  until: number | null
}

/** Raises the fence, unless the same stands already for as long: then that one is given back. */
export async function raiseFence(context: TaskContext, tx: Tx, order: FenceOrder): Promise<Fence> {
  const { fences, seal, audit, clock } = context
  const { selector, agents, reason, actor, until } = order
  const key = fenceKey(selector)
  const before = (await fences.byKeys(tx, [key])).filter((fence) => stands(context, fence))
  const same = before.find(
    (fence) =>
      canonicalize(fence.selector) === canonicalize(selector) &&
      isGenuine(seal, fence) &&
      (fence.until === null || (until !== null && until <= fence.until)),
  )
  if (same) return same
  const at = clock.now()
  const by = actor.replace(/^admin:/, '')
  const unsigned = { id: newId('fence'), selector, agents, reason, by, at, until }
  const { mac, key: macKey } = fenceMac(seal, unsigned)
  const fence = { ...unsigned, mac, macKey }
  await fences.insert(tx, fence, key)
  const whom = 'agent' in selector && { agent: selector.agent }
  audit.record(tx, {
    at,
    type: 'fence.raised',
    actor,
    ...whom,
    data: { fence: fence.id, selector, agents, reason, until: until && new Date(until).toISOString() },
  })
  if (whom && before.length === 0)
    audit.record(tx, { at, type: 'agent.suspended', actor, ...whom, data: { reason } })
  return fence
}

/** Takes the fence away: whoever may do it has been looked at. */
export async function liftFence(
  context: TaskContext,
  tx: Tx,
  fence: Fence,
  { reason, actor }: { reason: string | undefined; actor: Actor },
): Promise<void> {
  const { fences, audit, clock } = context
  const { id, selector } = fence
  const at = clock.now()
  const whom = 'agent' in selector && { agent: selector.agent }
  const said = reason !== undefined && { reason }
  if (!(await fences.remove(tx, id))) return
  audit.record(tx, { at, type: 'fence.lifted', actor, ...whom, data: { fence: id, selector, ...said } })
  if (!whom) return
  const left = await fences.byKeys(tx, [fenceKey(selector)])
  if (!left.some((other) => stands(context, other)))
    audit.record(tx, { at, type: 'agent.resumed', actor, ...whom, data: { ...said } })
}

/** Four eyes. @throws BrokerError `forbidden`, which is on record. */
export async function requireAnother(
  { unit, audit, clock }: TaskContext,
  admin: Admin,
  rule: string,
  { agent, owners }: { agent?: string; owners: readonly string[] },
): Promise<void> {
  const owner = owners.find((each) => isOwner(admin, each))
  if (owner === undefined) return
  const data = { reason: rule }
  const whose = { ...(agent !== undefined && { agent }), owner }
  await unit.write(async (tx) =>
    audit.record(tx, {
      at: clock.now(),
      type: 'request.denied',
      actor: `admin:${admin.id}`,
      ...whose,
      data,
    }),
  )
  throw new BrokerError('forbidden', rule)
}
