/** The composition root: joins the core's ports to the store, the providers and the server. */
import { createServer as createHttpsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { serve, type ServerType } from '@hono/node-server'
import { collectDefaultMetrics, Registry } from 'prom-client'
import { atMost, type Clock, type Timer } from './clock.ts'
import type { Configuration } from './config.ts'
import type { InForce } from './control/in-force.ts'
import { stranded } from './control/stranded.ts'
import { createApp } from './http/app.ts'
import { FailureCounter } from './http/failures.ts'
import { Connections } from './leases/connections.ts'
import type { LeaseContext } from './leases/context.ts'
import { Revoker } from './leases/revoke.ts'
import type { Log } from './log.ts'
import type { Provider } from './provider.ts'
import { createSeal } from './seal.ts'
import { auditTrail } from './store/audit.ts'
import { leases } from './store/leases.ts'
import { openStore } from './store/open.ts'
import { approvals, tasks } from './store/tasks.ts'
import { usedTokens } from './store/used-tokens.ts'
import type { TaskContext } from './tasks/context.ts'
import { Reaper } from './tasks/reaper.ts'

export interface Broker {
  /** Where it listens: `http://127.0.0.1:8420`. */
  address: string
  /** Stops taking requests, lets what is under way finish, and leaves the rest to the next start. */
  close(): Promise<void>
}

export interface BrokerOptions {
  clock: Clock
  log: Log
  providers: readonly Provider[]
}

const minuteMs = 60_000
/** How long `close` waits for requests and revocations under way. */
const drainMs = 10_000
/** A token verified in its last second may still be on its way to being used up. */
const usedTokenMarginMs = 5 * minuteMs

/**
 * Starts a broker.
 *
 * @throws Error when the store cannot be opened, the address is taken, or a live
 *   lease needs something that the configuration lacks.
 */
export async function startBroker(configuration: Configuration, options: BrokerOptions): Promise<Broker> {
  const { clock, log } = options
  const seal = createSeal(configuration.sealKeys)
  const inForce = inForceOf(configuration, options.providers)
  const store = await openStore(configuration.store, seal)
  try {
    const audit = auditTrail()
    const leaseContext: LeaseContext = {
      unit: store.unit,
      leases,
      audit,
      seal,
      clock,
      log,
      connections: () => inForce.rules.connections,
      wake: (at) => reaper.wake(at),
    }
    const revoker = new Revoker(leaseContext)
    const context: TaskContext = { ...leaseContext, tasks, approvals, usedTokens, revoker }
    const reaper = new Reaper(context)
    const lacking = await store.unit.read((tx) =>
      stranded(tx, { leases, connections: inForce.rules.connections, seal }),
    )
    if (lacking.length > 0) throw new Error(lacking.join('; '))

    const failures = new FailureCounter()
    const metrics = new Registry()
    collectDefaultMetrics({ register: metrics })
    const app = createApp({ tasks: context, inForce: () => inForce, failures, metrics, log })
    await store.unit.write(async (tx) =>
      audit.record(tx, { at: clock.now(), type: 'broker.started', actor: 'broker' }),
    )
    // Before the first request: what is pending now was left by a process that is gone.
    await reaper.start()
    const server = await listen(configuration, app.fetch).catch(async (error: unknown) => {
      await reaper.stop()
      throw error
    })
    const housekeeping = everyMinute(
      clock,
      async () => {
        await failures.summarise(context)
        await store.unit.write((tx) => usedTokens.forget(tx, clock.now() - usedTokenMarginMs))
        await logHead(context)
      },
      log,
    )
    const address = addressOf(server, configuration)
    log.info({ address, url: configuration.url }, 'listening')

    return {
      address,
      async close() {
        housekeeping.cancel()
        await atMost(clock, drainMs, closed(server))
        await reaper.stop()
        await atMost(clock, drainMs, revoker.idle())
        await failures.summarise(context)
        await store.unit.write(async (tx) =>
          audit.record(tx, { at: clock.now(), type: 'broker.stopped', actor: 'broker' }),
        )
        await logHead(context)
        await store.close()
      },
    }
  } catch (error) {
    await store.close()
    throw error
  }
}

function inForceOf(configuration: Configuration, providers: readonly Provider[]): InForce {
  const { url, issuers, agents, policies, connections, admins, limits } = configuration
  return {
    url,
    admins,
    limits: { bodyBytes: limits.bodyBytes },
    rules: { issuers, agents, policies, limits, connections: new Connections(providers, connections) },
  }
}

async function listen(
  configuration: Configuration,
  fetch: Parameters<typeof serve>[0]['fetch'],
): Promise<ServerType> {
  const { listen, tls } = configuration
  return await new Promise((resolve, reject) => {
    const server = serve(
      {
        fetch,
        hostname: listen.host,
        port: listen.port,
        serverOptions: {
          headersTimeout: 10_000,
          requestTimeout: 30_000,
          ...(tls && { cert: tls.cert, key: tls.key }),
        },
        ...(tls && { createServer: createHttpsServer }),
      },
      () => resolve(server),
    )
    server.once('error', reject)
  })
}

function closed(server: ServerType): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()))
}

function addressOf(server: ServerType, { tls }: Configuration): string {
  const { address, family, port } = server.address() as AddressInfo
  return `${tls ? 'https' : 'http'}://${family === 'IPv6' ? `[${address}]` : address}:${port}`
}

/** Where the chain ends, for someone to hold `mayfly audit verify --head` against. */
async function logHead({ unit, audit, log }: TaskContext): Promise<void> {
  const head = await unit.read((tx) => audit.head(tx))
  if (head) log.info({ head: `${head.seq}:${head.mac}` }, 'audit head')
}

function everyMinute(clock: Clock, work: () => Promise<void>, log: Log): Timer {
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
