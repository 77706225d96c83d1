/** Break glass: revoking with the store and the upstreams alone, when nobody can be authenticated or reached. */
import { atMost, type LeadingClock, pause } from './clock.ts'
import type { RevocationSettings } from './config/revocation.ts'
import { type RevocationOrder, type RevocationReport, revokeBySelector } from './control/revocations.ts'
import { openCore } from './core.ts'
import { Connections } from './leases/connections.ts'
import type { Lease } from './leases/lease.ts'
import type { Log } from './log.ts'
import type { Provider } from './provider.ts'
import type { Services } from './services.ts'
import type { TaskContext } from './tasks/context.ts'

/** How long the revocations under way at the end are waited for, milliseconds. */
const drainMs = 10_000
const lookEveryMs = 100

/**
 * Does what an admin's order does in a running broker, in its place. Upstreams
 * that fail are tried again until `patienceMs` is over: nobody goes on afterwards.
 * What the last broker left overdue is ended too.
 *
 * @throws StoreInUse while a broker runs.
 */
export async function revokeOffline(
  { store, sealKeys, connections, url, registered }: RevocationSettings,
  order: RevocationOrder,
  given: {
    providers: readonly Provider[]
    /** Those that `connections` were made with. */
    services: Services
    clock: LeadingClock
    log: Log
    patienceMs: number
  },
): Promise<RevocationReport> {
  const { providers, services, clock, log, patienceMs } = given
  const upstreams = new Connections(providers, connections)
  const core = await openCore({
    store,
    sealKeys,
    services,
    clock,
    log,
    connections: () => upstreams,
    url() {
      if (url === undefined) throw new Error('the configuration has no usable `url` to sign as')
      return url
    },
  })
  const { context, reaper } = core
  const until = clock.now() + patienceMs
  try {
    await reaper.start()
    const report = await revokeBySelector(context, registered, order)
    while (clock.now() < until && (await state(context, report)).some((lease) => isDue(lease, until)))
      await pause(clock, lookEveryMs)
    await reaper.stop()
    await atMost(clock, drainMs, context.revoker.idle())
    return { ...report, leases: await state(context, report) }
  } finally {
    await reaper.stop()
    await core.close()
  }
}

/** Whether another attempt comes in time. One that waits for its own expiry, or that upstream has refused, has none to wait for. */
function isDue({ status, dueAt }: Lease, until: number): boolean {
  return ['pending', 'active', 'revoking'].includes(status) && dueAt !== null && dueAt <= until
}

async function state({ unit, leases }: TaskContext, report: RevocationReport): Promise<Lease[]> {
  const now = await unit.read((tx) => Promise.all(report.leases.map(({ id }) => leases.get(tx, id))))
  return now.filter((lease) => lease !== undefined)
}
