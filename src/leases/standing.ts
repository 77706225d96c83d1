/** Keeps up what makes upstream refuse credentials that it cannot end (docs/decisions/0007). */
import type { ProviderError } from '../provider/failure.ts'
import type { Handle, Upkeep } from '../provider/upstream.ts'
import type { ConnectionEntry } from './connections.ts'
import type { LeaseContext } from './context.ts'
import { openHandle } from './handle.ts'
import type { Lease } from './lease.ts'
import { retire } from './retire.ts'
import { ask } from './upstream.ts'

/** Leases ended in one transaction: everybody else's work waits for it. */
const endedAtOnce = 100

/** The parameters of `Upkeep.alsoRefused`. */
interface AlsoRefused {
  hit: (handle: Handle) => boolean
  reason: string
}

/**
 * Makes an upstream call that ends credentials or keeps them ended, within its time.
 * Once it is over, what upstream has come to refuse along with them is ended too.
 */
export async function withUpkeep<T>(
  context: LeaseContext,
  { provider: { type } }: ConnectionEntry,
  call: (upkeep: Upkeep) => Promise<T>,
): Promise<T | ProviderError> {
  const refused: AlsoRefused[] = []
  const upkeep = {
    standing: () => standing(context, type),
    alsoRefused: (hit: AlsoRefused['hit'], reason: string) => void refused.push({ hit, reason }),
  }
  const answer = await ask(context, 'revoke', (signal) => call({ ...upkeep, signal }))
  for (const each of refused) await endRefused(context, type, each)
  return answer
}

/** Handles of the provider's leases that are on their way out or revoked, and that upstream has to refuse. */
async function standing(context: LeaseContext, provider: string): Promise<Handle[]> {
  const { unit, leases, clock } = context
  const kept = await unit.read((tx) => leases.standing(tx, provider, clock.now()))
  return kept.map((lease) => opened(context, lease)).filter((handle) => handle !== undefined)
}

/** Ends leases that upstream honours no more, although nobody has asked for that: they say so (invariant I10). */
async function endRefused(
  context: LeaseContext,
  provider: string,
  { hit, reason }: AlsoRefused,
): Promise<void> {
  const { unit, leases, clock, log, wake } = context
  try {
    const active = await unit.read((tx) => leases.find(tx, { provider, statuses: ['active'] }))
    const hits = active.filter((lease) => {
      const handle = opened(context, lease)
      return handle !== undefined && hit(handle)
    })
    for (let from = 0; from < hits.length; from += endedAtOnce)
      await unit.write(async (tx) => {
        for (const { id } of hits.slice(from, from + endedAtOnce))
          await retire(context, tx, { id }, { reason, actor: 'broker' })
      })
    if (hits.length > 0)
      log.error({ leases: hits.length, reason }, 'upstream refuses more than it was asked to')
    wake(clock.now())
  } catch (error) {
    log.error({ err: error, reason }, 'what upstream refuses besides could not be ended yet')
  }
}

function opened({ seal, log }: LeaseContext, lease: Pick<Lease, 'id' | 'handle'>): Handle | undefined {
  try {
    return openHandle(seal, lease)
  } catch (error) {
    log.error({ err: error, lease: lease.id }, 'a sealed handle does not open')
    return undefined
  }
}

/** Lets every connection put upstream back as it should be. A failure is logged: the next minute tries again. */
export async function maintain(context: LeaseContext): Promise<void> {
  await Promise.all(
    [...context.connections()].map(async (entry) => {
      if (!entry.upstream.maintain) return
      const failure = await withUpkeep(context, entry, async (upkeep) => entry.upstream.maintain?.(upkeep))
      if (!failure) return
      const reason = failure.message
      context.log.warn({ connection: entry.name, reason }, 'upstream could not be kept in order')
    }),
  )
}
