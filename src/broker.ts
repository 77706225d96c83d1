/** The composition root: joins the core's ports to the store, the providers and the server. */
import type { Actor } from './audit/event.ts'
import { atMost, type Clock, type LeadingClock, type Timer } from './clock.ts'
import { type Configuration, loadConfiguration } from './config.ts'
import { type Candidate, Control } from './control/in-force.ts'
import { stranded } from './control/stranded.ts'
import { openCore } from './core.ts'
import { createExclusive } from './exclusive.ts'
import { type Fault, sayFault } from './fault.ts'
import { createApp } from './http/app.ts'
import { FailureCounter } from './http/failures.ts'
import { listen } from './http/server.ts'
import { Connections } from './leases/connections.ts'
import { maintain } from './leases/standing.ts'
import type { Log } from './log.ts'
import type { Provider } from './provider.ts'
import { Services } from './services.ts'
import type { TaskContext } from './tasks/context.ts'
import { createMetrics, tracedConnection } from './telemetry.ts'

export interface Broker {
  /** Where it listens: `http://127.0.0.1:8420`. */
  address: string
  /** Reads the configuration again. Returns what was wrong with it; the old one is then still in force. */
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

const minuteMs = 60_000
/** How long `close` waits for requests and revocations under way. */
const drainMs = 10_000
/** A token verified in its last second may still be on its way to being used up. */
const usedTokenMarginMs = 5 * minuteMs

/**
 * Starts a broker with the configuration in `file`.
 *
 * @throws ConfigurationRefused; Error when the store cannot be opened or the address is taken.
 */
export async function startBroker(file: string, options: BrokerOptions): Promise<Broker> {
  const { clock, log, providers } = options
  const services = new Services()
  const load = () => loadConfiguration(file, { ...options, services })
  const { configuration, faults } = await load()
  if (!configuration) throw new ConfigurationRefused(faults)
  for (const { file: where, path, message } of faults) log.warn({ file: where, path }, message)

  const first = candidate(configuration, providers)
  const control = new Control(first)
  const metrics = createMetrics()
  const core = await openCore({
    store: configuration.store,
    sealKeys: first.sealKeys,
    services,
    clock,
    log,
    connections: () => control.current.rules.connections,
    url: () => control.current.url,
    committed: (events) => metrics.committed(events),
  })
  const { context, reaper, federation } = core
  const { unit, audit, revoker, seal, leases, keys, idempotency, usedTokens } = context
  const stop: (() => Promise<unknown> | void)[] = [() => core.close()]
  try {
    const lacking = await unit.read((tx) =>
      stranded(tx, { leases, audit, keys, connections: first.inForce.rules.connections, seal }),
    )
    if (lacking.length > 0)
      throw new ConfigurationRefused(lacking.map((message) => strandedFault(file, message)))
    await federation.reseal()
    const exclusive = createExclusive()
    // One after another: what was read first must not be put in force last.
    const reload: Broker['reload'] = (actor = 'broker') =>
      exclusive('reload', async () => {
        const loaded = await load()
        const refused = await adopt(context, control, configuration, loaded, providers, actor)
        for (const { file: where, path, message } of refused)
          log.error({ file: where, path }, `not reloaded: ${message}`)
        if (refused.length > 0) return refused
        await federation.reseal()
        log.info({ file }, 'reloaded')
        return []
      })
    await unit.write(async (tx) =>
      audit.record(tx, { at: clock.now(), type: 'broker.started', actor: 'broker' }),
    )
    // Before the first request: what is pending now was left by a process that is gone.
    await reaper.start()
    void maintain(context)
    stop.unshift(
      () => reaper.stop(),
      () => atMost(clock, drainMs, revoker.idle()),
    )

    const failures = new FailureCounter()
    metrics.countLeases(() => unit.read((tx) => leases.countByStatus(tx)))
    const app = createApp({
      tasks: context,
      serve: (work) => control.serve(context, work),
      federation,
      reload,
      failures,
      metrics,
      log,
    })
    const server = await listen(app.fetch, configuration)
    stop.unshift(() => atMost(clock, drainMs, server.close()))
    const housekeeping = everyMinute(clock, log, async () => {
      await failures.summarise(context)
      await unit.write((tx) => usedTokens.forget(tx, clock.now() - usedTokenMarginMs))
      await unit.write((tx) => idempotency.forget(tx, clock.now()))
      await maintain(context)
      await logHead(context)
    })
    stop.unshift(() => housekeeping.cancel())
    log.info({ address: server.address, url: configuration.url }, 'listening')

    return {
      address: server.address,
      reload,
      async close() {
        stop.splice(-1, 0, async () => {
          await failures.summarise(context)
          await unit.write(async (tx) =>
            audit.record(tx, { at: clock.now(), type: 'broker.stopped', actor: 'broker' }),
          )
          await logHead(context)
        })
        await inTurn(stop, log)
      },
    }
  } catch (error) {
    await inTurn(stop, log)
    throw error
  }
}

/** One step that fails must not keep the others from being taken. */
async function inTurn(steps: readonly (() => Promise<unknown> | void)[], log: Log): Promise<void> {
  for (const step of steps) {
    try {
      await step()
    } catch (error) {
      log.error({ err: error }, 'something could not be closed')
    }
  }
}

/** What of a configuration the core works with. */
function candidate(configuration: Configuration, providers: readonly Provider[]): Candidate {
  const { url, issuers, agents, policies, admins, limits, trustedProxies, sealKeys } = configuration
  const connections = configuration.connections.map((entry) => ({
    ...entry,
    connection: tracedConnection(entry.provider.type, entry.connection),
  }))
  const rules = { issuers, agents, policies, limits, connections: new Connections(providers, connections) }
  const requestLimits = { ...limits, trustedProxies }
  return { sealKeys, inForce: { url, admins, rules, bodyBytes: limits.bodyBytes, requestLimits } }
}

async function adopt(
  context: TaskContext,
  control: Control,
  started: Configuration,
  loaded: { configuration?: Configuration; faults: Fault[] },
  providers: readonly Provider[],
  actor: Actor,
): Promise<Fault[]> {
  const { configuration } = loaded
  const faults = loaded.faults.filter((fault) => !fault.warning)
  if (configuration)
    for (const key of ['listen', 'store', 'tls'] as const)
      if (JSON.stringify(configuration[key]) !== JSON.stringify(started[key]))
        faults.push({
          file: started.file,
          path: key,
          message: 'cannot change while the broker runs',
          remedy: 'Restart the broker, or undo the change.',
        })
  if (!configuration || faults.length > 0) {
    await control.refused(context, faults.map(sayFault), actor)
    return faults
  }
  const lacking = await control.adopt(context, candidate(configuration, providers), actor)
  return lacking.map((message) => strandedFault(started.file, message))
}

function strandedFault(file: string, message: string): Fault {
  return { file, path: '', message, remedy: 'Keep it until those leases are over.' }
}

/** Where the chain ends, for someone to hold `mayfly audit verify --head` against. */
async function logHead({ unit, audit, log }: TaskContext): Promise<void> {
  const head = await unit.read((tx) => audit.head(tx))
  if (head) log.info({ head: `${head.seq}:${head.mac}` }, 'audit head')
}

function everyMinute(clock: Clock, log: Log, work: () => Promise<void>): Timer {
  let cancelled = false
  let timer: Timer
  const arm = () => {
    if (cancelled) return
    timer = clock.after(minuteMs, () => {
      work()
        .catch((error: unknown) =>
          log.error({ err: error }, 'housekeeping failed; it is tried again in a minute'),
        )
        .finally(arm)
    })
  }
  arm()
  return {
    cancel() {
      cancelled = true
      timer.cancel()
    },
  }
}
