/** Putting another configuration in force while the broker runs. */
import type { Actor } from './audit/event.ts'
import type { Configuration, loadConfiguration } from './config.ts'
import type { Candidate, Control } from './control/in-force.ts'
import { createExclusive } from './exclusive.ts'
import { type Fault, sayFault } from './fault.ts'
import type { Federation } from './keys.ts'
import { Connections } from './leases/connections.ts'
import { maintain } from './leases/standing.ts'
import type { Provider } from './provider.ts'
import type { TaskContext } from './tasks/context.ts'
import { tracedConnection } from './telemetry.ts'

type Loaded = Awaited<ReturnType<typeof loadConfiguration>>

interface Running {
  context: TaskContext
  control: Control
  federation: Federation
  providers: readonly Provider[]
  /** What the broker started with: some of it can change only with a restart. */
  started: Configuration
}

/** Makes `reload`, which returns what was wrong with the configuration that `load` gave; the old one is then still in force. */
export function createReload(
  running: Running,
  load: () => Promise<Loaded>,
): (actor?: Actor, context?: TaskContext) => Promise<Fault[]> {
  const { federation, started } = running
  const { log } = running.context
  const exclusive = createExclusive()
  return async (actor = 'broker', context = running.context) => {
    // One after another: what was read first must not be put in force last.
    const refused = await exclusive('reload', async () => {
      const faults = await adopt({ ...running, context }, await load(), actor)
      for (const { file, path, message } of faults) log.error({ file, path }, `not reloaded: ${message}`)
      if (faults.length > 0) return faults
      await federation.reseal()
      // Its connections know nothing yet of what they could take back.
      void maintain(running.context)
      log.info({ file: started.file }, 'reloaded')
      return []
    })
    // But with tens of thousands of open tasks to review, the next one must not wait for that.
    if (refused.length === 0) await running.control.reviewed(context)
    return refused
  }
}

async function adopt(running: Running, loaded: Loaded, actor: Actor): Promise<Fault[]> {
  const { context, control, providers, started } = running
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
    await control.recordRefusal(context, faults.map(sayFault), actor)
    return faults
  }
  const lacking = await control.adopt(context, candidate(configuration, providers), actor)
  return strandedFaults(started.file, lacking)
}

/** What of a configuration the core works with. */
export function candidate(configuration: Configuration, providers: readonly Provider[]): Candidate {
  const { url, issuers, agents, policies, admins, limits, trustedProxies, sealKeys } = configuration
  const connections = configuration.connections.map((entry) => ({
    ...entry,
    connection: tracedConnection(entry.provider.type, entry.connection),
  }))
  const rules = { issuers, agents, policies, limits, connections: new Connections(providers, connections) }
  const requestLimits = { ...limits, trustedProxies }
  return { sealKeys, inForce: { url, admins, rules, bodyBytes: limits.bodyBytes, requestLimits } }
}

/** `causes` as faults of the configuration in `file`. */
export function strandedFaults(file: string, causes: readonly string[]): Fault[] {
  const remedy = 'Keep it until those leases are over.'
  return causes.map((message) => ({ file, path: '', message, remedy }))
}
