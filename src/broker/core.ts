/** The part of the composition that needs no issuer, no policy and no HTTP: what revokes goes on without them. */
import { createAlarm } from './alarm.ts'
import type { AuditEvent } from '../audit/event.ts'
import type { LeadingClock } from '../base/clock.ts'
import type { Outside } from '../config/audit.ts'
import type { StoreAddress } from '../store/address.ts'
import { createExclusive } from '../base/exclusive.ts'
import { createHeadSink } from './heads.ts'
import { createFederation, type Federation } from '../federation/federation.ts'
import type { Connections } from '../leases/connections.ts'
import type { LeaseContext } from '../leases/context.ts'
import { Revoker } from '../leases/revoke.ts'
import type { Log } from '../base/log.ts'
import { createSeal, type SealKey } from '../base/seal.ts'
import type { Services } from '../provider/services.ts'
import { approvals } from '../store/approvals.ts'
import { auditTrail } from '../store/audit.ts'
import { fences } from '../store/fences.ts'
import { delegations } from '../store/delegations.ts'
import { idempotency } from '../store/idempotency.ts'
import { federationKeys, installationId } from '../store/installation.ts'
import { leases } from '../store/leases.ts'
import { openStore } from '../store/open.ts'
import type { OwnStore } from '../store/own-store.ts'
import type { Introduction } from '../store/peers.ts'
import { tasks } from '../store/tasks.ts'
import { usedTokens } from '../store/used-tokens.ts'
import type { TaskContext } from '../tasks/context.ts'
import { Changes } from '../tasks/changes.ts'
import { Heartbeats } from '../tasks/heartbeats.ts'
import { keepTime } from '../tasks/keep-time.ts'
import { Reaper } from '../tasks/reaper.ts'
import { Unrecorded } from '../tasks/unrecorded.ts'

export interface Core {
  context: TaskContext
  /** Not started yet. */
  reaper: Reaper
  federation: Federation
  /** Whether it is as the broker left it. */
  store: Omit<OwnStore, 'unit' | 'close'>
  /** Closes the store. What uses it has to be over. */
  close(): Promise<void>
}

/**
 * Opens the store, joins the core's ports to it, and puts it behind the services
 * that connections are lent.
 *
 * @throws Error when the store cannot be opened, or is another broker's.
 */
export async function openCore(given: {
  store: StoreAddress
  sealKeys: readonly SealKey[]
  /** Whether the key that wrote the store is known to be lost. Never where others may write beside this process. */
  isKeyLost?: boolean | undefined
  /** What is known of the record outside the store. */
  audit: Outside
  services: Services
  clock: LeadingClock
  log: Log
  /** The connections in force now. */
  connections: () => Connections
  /** The broker's public URL now, as which it signs. */
  url: () => string
  /** Where people answer a request for approval, if they can. */
  approvalPage?: TaskContext['approvalPage']
  /** Hears of every commit's events. */
  committed?: (events: readonly AuditEvent[]) => void
  /** Where other brokers may write the store beside this one: what they are told of it, and whom to tell that others have come or gone. */
  beside?: Omit<Introduction, 'clock'> & { changed: (inherits: boolean) => void }
}): Promise<Core> {
  const { services, clock, log, connections, url, beside } = given
  const seal = createSeal(given.sealKeys)
  let alarm: ReturnType<typeof createAlarm> | undefined
  let unrecorded: Unrecorded | undefined
  let heartbeats: Heartbeats | undefined
  let reaper: Reaper | undefined
  const changes = new Changes()
  const heads = createHeadSink(given.audit.heads, { clock, log })
  const store = await openStore(given.store, seal, {
    lastHead: given.audit.lastHead,
    isKeyLost: given.isKeyLost,
    log,
    committed(events, head) {
      heads.put(head)
      changes.announce(events)
      heartbeats?.committed(events)
      given.committed?.(events)
    },
    intruded: (intrusion) => alarm?.(intrusion),
    mayGrant: () => unrecorded?.requireNone(),
    ...(beside && {
      beside: {
        ...beside,
        clock,
        heard(tasks) {
          changes.heard(tasks)
          // Once a second: what is due here is found even where nobody was woken for it.
          if (!tasks) reaper?.wake(clock.now())
        },
        changed(inherits) {
          reaper
            ?.others(inherits)
            .catch((error: unknown) => log.error({ err: error }, 'what others have left is not taken up yet'))
          beside.changed(inherits)
        },
      },
    }),
  })
  const { unit } = store
  try {
    const leaseContext: LeaseContext = {
      unit,
      leases,
      audit: auditTrail(),
      seal,
      clock,
      log,
      connections,
      wake: (at) => reaper?.wake(at),
    }
    const revoker = new Revoker(leaseContext)
    unrecorded = new Unrecorded({ ...leaseContext, revoker })
    heartbeats = new Heartbeats({ unit: unrecorded.unit, tasks, clock, log })
    const context: TaskContext = {
      ...leaseContext,
      tasks,
      approvals,
      fences,
      delegations,
      idempotency,
      usedTokens,
      federationKeys,
      unit: unrecorded.unit,
      revoker,
      changes,
      heartbeats,
      approvalPage: given.approvalPage ?? (() => undefined),
      unrecorded,
      mayGrant: () => store.mayGrantToAll(),
    }
    // Before anything is recorded: the newest event is then still the last broker's.
    await keepTime(context, clock)
    alarm = createAlarm(context)
    alarm(store.intrusion)
    reaper = new Reaper(context)
    // Before anything that is due is looked for: it may be another broker's.
    if (store.beside) await store.look()
    const federation = createFederation({ unit, federationKeys, seal, clock })
    const installation = await unit.read(installationId)
    services.attach({
      installation: () => installation,
      sign: async (audience) => await federation.sign(url(), audience),
      exclusive: store.beside?.exclusive ?? createExclusive(),
    })
    const close = async () => {
      await store.close()
      heads.close()
    }
    return { context, reaper, federation, store, close }
  } catch (error) {
    await store.close()
    throw error
  }
}
