/** The composition root: joins the core's ports to the store, the providers and the server. */
import manifest from '../../package.json' with { type: 'json' }
import type { Actor, EventType } from '../audit/event.ts'
import { atMost, type LeadingClock } from '../base/clock.ts'
import { loadConfiguration } from '../config/load.ts'
import type { Tls } from '../config/tls.ts'
import { createConsole } from '../console/console.ts'
import { approvalPage } from '../control/console.ts'
import { Control } from '../control/in-force.ts'
import { stranded } from '../control/stranded.ts'
import { openCore } from './core.ts'
import type { Fault } from '../base/fault.ts'
import { logHead, startHousekeeping, startWatch } from './housekeeping.ts'
import { createApp } from '../http/app.ts'
import { ExplanationCounter } from '../http/explanations.ts'
import { FailureCounter } from '../http/failures.ts'
import { listen } from '../http/server.ts'
import { Tally } from '../http/tally.ts'
import { maintain } from '../leases/standing.ts'
import type { Log } from '../base/log.ts'
import { redact } from './logger.ts'
import { Fleet } from './fleet.ts'
import { createMetrics } from './metrics.ts'
import { Notifier } from '../notify/notifier.ts'
import type { Provider } from '../provider/contract.ts'
import { candidate, createReload, strandedFaults } from './reload.ts'
import { Services } from '../provider/services.ts'
import { cursors } from '../store/cursors.ts'
import { retention } from '../store/retention.ts'
import type { TaskContext } from '../tasks/context.ts'

export interface Broker {
  /** Where it listens: `http://127.0.0.1:8420`. */
  address: string
  /** Reads the configuration again. Returns what is wrong with it; with more than warnings, the old one is still in force. */
  reload(actor?: Actor): Promise<Fault[]>
  /** Stops taking requests, lets what is under way finish, and leaves the rest to the next start. */
  close(): Promise<void>
}

export interface BrokerOptions {
  clock: LeadingClock
  log: Log
  providers: readonly Provider[]
  env: Record<string, string | undefined>
}

/** The configuration cannot be put in force; `faults` says all that is wrong with it. */
export class ConfigurationRefused extends Error {
  readonly faults: Fault[]
  constructor(faults: Fault[]) {
    super('the configuration cannot be used')
    this.name = 'ConfigurationRefused'
    this.faults = faults
  }
}

/** How long `close` waits for requests and revocations under way. */
const drainMs = 10_000

/**
 * Starts a broker with the configuration in `file`.
 *
 * @throws ConfigurationRefused; Error when the store cannot be opened or the address is taken.
 */
export async function startBroker(file: string, options: BrokerOptions): Promise<Broker> {
  const { clock, log, providers } = options
  const services = new Services()
  const load = (inUse?: { tls: Tls | undefined }) =>
    loadConfiguration(file, { ...options, services, ...(inUse && { inUse }) })
  const { configuration, faults } = await load()
  if (!configuration) throw new ConfigurationRefused(faults)
  for (const { file: where, path, message } of faults) log.warn({ file: where, path }, message)

  const metrics = createMetrics()
  const first = candidate(configuration, providers, metrics)
  const control = new Control(first)
  let notifier: Notifier | undefined
  let fleet: Fleet | undefined
  const tally = new Tally(clock, () => core.store.beside?.asked ?? [])
  const core = await openCore({
    store: configuration.store,
    sealKeys: first.sealKeys,
    audit: configuration.audit,
    services,
    clock,
    log,
    connections: () => control.current.rules.connections,
    url: () => control.current.url,
    approvalPage: (id) => approvalPage(control.current, id),
    committed(events) {
      metrics.committed(events)
      notifier?.committed(events)
    },
    beside: {
      version: manifest.version,
      configuration: () => control.current.digest,
      asked: () => tally.asked(),
      changed: (inherits) => fleet?.changed(inherits),
    },
  })
  const { context, reaper, federation, store } = core
  const { unit, audit, revoker, changes, seal, tasks, leases, fences, federationKeys } = context

  // Each is undone last first: what runs, and only then the store beneath it.
  const step = (work: () => Promise<unknown> | void) => () =>
    logged(work, log, 'something could not be closed')
  await using opened = new AsyncDisposableStack()
  opened.defer(step(() => core.close()))
  await using running = new AsyncDisposableStack()

  const { connections } = first.inForce.rules
  const lacking = await unit.read((tx) => stranded(tx, { leases, audit, federationKeys, connections, seal }))
  if (lacking.length > 0) throw new ConfigurationRefused(strandedFaults(file, lacking))
  await federation.reseal()
  // What is long is not waited for: until it is done, the keys before are needed.
  void logged(
    () => services.lent.exclusive('reseal', () => store.reseal()),
    log,
    'rows could not be put under the current seal key: the keys before it are still needed',
  )
  await record(context, 'broker.started')

  running.defer(step(() => atMost(clock, drainMs, revoker.idle())))
  // What is due from then on is for others to do; until then they have to see that this broker is there.
  running.defer(step(() => store.beside?.leave()))
  const watch = startWatch(store, clock, log)
  running.defer(step(() => watch.cancel()))
  // Before the first request: what is pending now, and is no other broker's, was left by a process that is gone.
  await reaper.start()
  void maintain(context)
  running.defer(step(() => reaper.stop()))

  notifier = new Notifier({
    ...context,
    cursors,
    exclusive: services.lent.exclusive,
    agents: () => control.current.rules.agents,
    url: () => control.current.url,
    redact,
    attempted: (target, { done }) => metrics.notified(target, done),
  })
  notifier.adopt(configuration.notify)
  running.defer(step(() => atMost(clock, drainMs, notifier.stop())))

  fleet = new Fleet({
    living: () => store.beside?.living,
    self: () => store.beside?.self,
    own: () => control.current.digest,
    review: () => control.review(context),
    log,
  })
  fleet.changed()

  const failures = new FailureCounter()
  const explanations = new ExplanationCounter()
  metrics.watch({
    stored: () =>
      unit.read(async (tx) => ({
        leases: await leases.countByStatus(tx),
        tasks: await tasks.countByStatus(tx),
        fences: await fences.countByKind(tx, clock.now()),
      })),
    queues: () => revoker.queues(),
    intrusion: () => store.intrusion,
    notices: () => notifier.ages(),
    brokers: () => fleet.count(),
    clock,
  })
  const started = configuration
  const renew = (tls: Tls) => {
    server.renew(tls)
    metrics.serves(tls.cert)
  }
  const reload = createReload(
    { context, control, federation, store, services, notifier, metrics, providers, started, renew },
    (inUse) => load({ tls: inUse }),
  )
  const app = createApp({
    core: context,
    serve: (work) => control.serve(context, work),
    federation,
    reload,
    failures,
    explanations,
    metrics,
    log,
    requireReady: () => store.ready(),
    pages: createConsole({ redact }),
    brokers: () => fleet.count(),
    tally,
  })
  const { listen: at, tls } = configuration
  const server = await listen(app.fetch, { listen: at, tls, log })
  if (tls) metrics.serves(tls.cert)
  running.defer(step(() => atMost(clock, drainMs, server.close())))
  // Before the server: it closes once every request is answered.
  running.defer(step(() => changes.close()))
  const housekeeping = startHousekeeping(context, [failures, explanations], {
    store: retention,
    retention: () => control.current.retention,
    exclusive: services.lent.exclusive,
  })
  running.defer(step(() => housekeeping.cancel()))
  log.info({ address: server.address, url: configuration.url }, 'listening')

  const closing = opened.move()
  const stopped = async () => {
    await failures.summarise(context)
    await explanations.summarise(context)
    await record(context, 'broker.stopped')
    await logHead(context)
  }
  closing.defer(step(stopped))
  closing.use(running.move())
  return { address: server.address, reload, close: () => closing.disposeAsync() }
}

/** Takes a step that, if it fails, must not keep others from being taken, nor hide why they are: `failed` goes to the log. */
async function logged(step: () => Promise<unknown> | void, log: Log, failed: string): Promise<void> {
  try {
    await step()
  } catch (error) {
    log.error({ err: error }, failed)
  }
}

async function record({ unit, audit, clock }: TaskContext, type: EventType): Promise<void> {
  await unit.write(async (tx) => audit.record(tx, { at: clock.now(), type, actor: 'broker' }))
}
