/** Putting another configuration in force while the broker runs. */
import type { Actor } from '../audit/event.ts'
import type { Configuration, loadConfiguration } from '../config/load.ts'
import type { Tls } from '../config/tls.ts'
import type { Candidate, Control } from '../control/in-force.ts'
import { createExclusive } from '../base/exclusive.ts'
import { type Fault, sayFault } from '../base/fault.ts'
import type { Federation } from '../federation/federation.ts'
import { Connections } from '../leases/connections.ts'
import { maintain } from '../leases/standing.ts'
import type { Notifier } from '../notify/notifier.ts'
import type { Provider } from '../provider/contract.ts'
import type { Services } from '../provider/services.ts'
import type { OwnStore } from '../store/own-store.ts'
import type { TaskContext } from '../tasks/context.ts'
import type { Metrics } from './metrics.ts'
import { watchedUpstream } from './traces.ts'

type Loaded = Awaited<ReturnType<typeof loadConfiguration>>

interface Running {
  context: TaskContext
  control: Control
  federation: Federation
  store: Pick<OwnStore, 'reseal'>
  services: Pick<Services, 'lent'>
  notifier: Pick<Notifier, 'adopt'>
  metrics: Pick<Metrics, 'called'>
  providers: readonly Provider[]
  /** What the broker started with: some of it can change only with a restart. */
  started: Configuration
  /** Has the server show another certificate. */
  renew: (tls: Tls) => void
}

/**
 * Makes `reload`, which returns what is wrong with the configuration that `load`
 * gave: with more than warnings, the old one is still in force. `load` takes the
 * certificate that is served now.
 */
export function createReload(
  running: Running,
  load: (tls: Tls | undefined) => Promise<Loaded>,
): (actor?: Actor, context?: TaskContext) => Promise<Fault[]> {
  const { federation, store, notifier, started } = running
  const { lent } = running.services
  const { log } = running.context
  let { tls } = started
  const exclusive = createExclusive()
  return async (actor = 'broker', context = running.context) => {
    // One after another: what was read first must not be put in force last.
    const { refused, warnings, reviewed } = await exclusive('reload', async () => {
      const loaded = await load(tls)
      const faults = await adopt({ ...running, context }, loaded, actor)
      for (const { file, path, message } of faults) log.error({ file, path }, `not reloaded: ${message}`)
      if (faults.length > 0) return { refused: faults, warnings: [], reviewed: undefined }
      // Whatever fails below, and however long it takes: what is no longer allowed ends.
      const reviewed = running.control.reviewed(context)
      reviewed.catch(() => undefined)
      const renewed = loaded.configuration?.tls
      if (tls && renewed) running.renew((tls = renewed))
      const doubts = [...loaded.faults, ...unchanged(started, loaded.configuration)]
      for (const { file, path, message } of doubts) log.warn({ file, path }, message)
      notifier.adopt(loaded.configuration?.notify ?? [])
      await federation.reseal()
      await lent.exclusive('reseal', () => store.reseal())
      // Its connections know nothing yet of what they could take back.
      void maintain(running.context)
      log.info({ file: started.file }, 'reloaded')
      return { refused: [], warnings: doubts, reviewed }
    })
    // But with tens of thousands of open tasks to review, the next one must not wait for that.
    await reviewed
    return [...refused, ...warnings]
  }
}

async function adopt(running: Running, loaded: Loaded, actor: Actor): Promise<Fault[]> {
  const { context, control, providers, metrics, started } = running
  const { configuration } = loaded
  const faults = loaded.faults.filter((fault) => !fault.warning)
  if (!configuration || faults.length > 0) {
    await control.recordRefusal(context, faults.map(sayFault), actor)
    return faults
  }
  const lacking = await control.adopt(context, candidate(configuration, providers, metrics), actor)
  return strandedFaults(started.file, lacking)
}

/**
 * What differs and stays as it is until a restart. It keeps nothing else from
 * changing: an agent that is to go in an emergency goes.
 */
function unchanged(started: Configuration, latest: Configuration | undefined): Fault[] {
  const fixed = ({ listen, store, audit }: Configuration) => ({ listen, store, 'audit.heads': audit.heads })
  const now = Object.entries(latest ? fixed(latest) : {})
  const before: Record<string, unknown> = fixed(started)
  const differing = [
    ...now
      .filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(before[key]))
      .map(([key]) => key),
    ...(Boolean(latest?.tls) === Boolean(started.tls) ? [] : ['tls']),
  ]
  return differing.map((path) => ({
    file: started.file,
    path,
    message: 'cannot change while the broker runs, and is as it was',
    remedy: 'Restart the broker, or undo the change.',
    warning: true,
  }))
}

/** What of a configuration the core works with. */
export function candidate(
  configuration: Configuration,
  providers: readonly Provider[],
  { called }: Pick<Metrics, 'called'>,
): Candidate {
  const {
    url,
    digest,
    clientCa,
    issuers,
    agents,
    policies,
    admins,
    limits,
    trustedProxies,
    sealKeys,
    retention,
  } = configuration
  const connections = configuration.connections.map((entry) => ({
    ...entry,
    upstream: watchedUpstream(entry, called),
  }))
  const rules = { issuers, agents, policies, limits, connections: new Connections(providers, connections) }
  const requestLimits = { ...limits, trustedProxies }
  return {
    sealKeys,
    inForce: { url, digest, clientCa, admins, rules, retention, bodyBytes: limits.bodyBytes, requestLimits },
  }
}

/** `causes` as faults of the configuration in `file`. */
export function strandedFaults(file: string, causes: readonly string[]): Fault[] {
  const remedy = 'Keep it until those leases are over.'
  return causes.map((message) => ({ file, path: '', message, remedy }))
}
