/** Break glass: revoking with the store and the upstreams alone, when nobody can be authenticated or reached. */
import { atMost, type LeadingClock, pause } from '../base/clock.ts'
import type { RevocationSettings } from '../config/revocation.ts'
import { type RevocationOrder, type RevocationReport, revokeBySelector } from '../control/revocations.ts'
import { type Core, openCore } from './core.ts'
import { Connections } from '../leases/connections.ts'
import { type StoredLease, unfinishedStatuses } from '../leases/lease.ts'
import type { Log } from '../base/log.ts'
import type { Provider } from '../provider/contract.ts'
import type { Services } from '../provider/services.ts'
import type { Intrusion } from '../store/inspection.ts'
import type { TaskContext } from '../tasks/context.ts'
import { openStatuses } from '../tasks/task.ts'

/** How long the revocations under way at the end are waited for, milliseconds. */
const drainMs = 10_000
const lookEveryMs = 100

interface Given {
  providers: readonly Provider[]
  /** Those that the settings' connections were made with. */
  services: Services
  clock: LeadingClock
  log: Log
  patienceMs: number
  /** Whether the seal key that wrote the store is lost, or is not to be told any more: then it is done under the one that there is. */
  isKeyLost?: boolean | undefined
}

/**
 * Does what an admin's order does in a running broker, in its place. Upstreams
 * that fail are tried again until `patienceMs` is over: nobody goes on afterwards.
 * What the last broker left overdue is ended too.
 *
 * @throws StoreInUse while a broker runs; OtherSealKey.
 */
export async function revokeOffline(
  settings: RevocationSettings,
  order: RevocationOrder,
  given: Given,
): Promise<RevocationReport> {
  return await withCore(settings, given, (core) => revoke(core, settings.registered, order, given))
}

/** A store that is not as it was left, or not known to be. */
export interface Doubtful extends Intrusion {
  /** What would be ended. */
  tasks: number
  leases: number
}

/**
 * Has everything ended that is open in the store, and takes it as it then stands for what
 * it should be, if `confirmed` agrees. Without a report nothing was done: it did not agree,
 * or there was nothing to accept.
 *
 * @throws StoreInUse while a broker runs; OtherSealKey.
 */
export async function acceptOffline(
  settings: RevocationSettings,
  order: Pick<RevocationOrder, 'reason' | 'actor'> & { confirmed: (found: Doubtful) => Promise<boolean> },
  given: Given,
): Promise<{ found: Doubtful; report?: RevocationReport; left: readonly string[] }> {
  return await withCore(settings, given, async (core) => {
    const { context, store } = core
    await store.lookedThrough()
    const found = { ...store.intrusion, ...(await open(context)) }
    if (found.doubts.length === 0 && found.damaged.length === 0) return { found, left: [] }
    if (!(await order.confirmed(found))) return { found, left: found.doubts }
    const { actor, reason } = order
    const all = { selector: { all: true }, reason, actor, fence: false } as const
    const report = await revoke(core, settings.registered, all, given)
    await store.accept((damaged) => ({
      at: context.clock.now(),
      type: 'store.accepted',
      actor,
      data: { reason, doubts: found.doubts, damaged_rows: damaged },
    }))
    await store.lookedThrough()
    return { found, report, left: store.intrusion.doubts }
  })
}

async function open({ unit, tasks, leases }: TaskContext): Promise<{ tasks: number; leases: number }> {
  return await unit.read(async (tx) => ({
    tasks: (await tasks.find(tx, { statuses: openStatuses })).length,
    leases: (await leases.find(tx, { statuses: unfinishedStatuses })).length,
  }))
}

async function withCore<T>(
  { store, sealKeys, audit, connections, url }: RevocationSettings,
  { providers, services, clock, log, isKeyLost }: Given,
  work: (core: Core) => Promise<T>,
): Promise<T> {
  const upstreams = new Connections(providers, connections)
  const core = await openCore({
    store,
    sealKeys,
    isKeyLost,
    audit,
    services,
    clock,
    log,
    connections: () => upstreams,
    url() {
      if (url === undefined) throw new Error('the configuration has no usable `url` to sign as')
      return url
    },
  })
  try {
    return await work(core)
  } finally {
    await core.reaper.stop()
    await core.close()
  }
}

async function revoke(
  { context, reaper }: Core,
  registered: RevocationSettings['registered'],
  order: RevocationOrder,
  { clock, patienceMs }: Given,
): Promise<RevocationReport> {
  const until = clock.now() + patienceMs
  await reaper.start()
  const report = await revokeBySelector(context, registered, order)
  while (clock.now() < until && (await state(context, report)).some((lease) => isDue(lease, until)))
    await pause(clock, lookEveryMs)
  await reaper.stop()
  await atMost(clock, drainMs, context.revoker.idle())
  return { ...report, leases: await state(context, report) }
}

/** Whether another attempt comes in time. One that waits for its own expiry, or that upstream has refused, has none to wait for. */
function isDue({ status, dueAt }: StoredLease, until: number): boolean {
  return ['pending', 'active', 'revoking'].includes(status) && dueAt !== null && dueAt <= until
}

async function state({ unit, leases }: TaskContext, report: RevocationReport): Promise<StoredLease[]> {
  const now = await unit.read((tx) => Promise.all(report.leases.map(({ id }) => leases.get(tx, id))))
  return now.filter((lease) => lease !== undefined)
}
