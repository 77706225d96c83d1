/** Compiles the part of a configuration that revoking needs, for commands without a broker. */
import { Agents } from '../agents/registry.ts'
import type { Clock } from '../base/clock.ts'
import type { Configuration } from './load.ts'
import type { Registered } from '../control/selector.ts'
import type { Fault } from '../base/fault.ts'
import type { Provider } from '../provider/contract.ts'
import type { Services } from '../provider/services.ts'
import { compileAudit } from './audit.ts'
import { compileAgents } from './agents.ts'
import { connectAll, describeConnections } from './connections.ts'
import { compileIssuers } from './issuers.ts'
import { fetchIn, type Loading } from './loading.ts'
import { readSettings, type Settings } from './read.ts'
import { compileSealKeys } from './seal.ts'
import { secretReader } from './secrets.ts'
import { compileStore } from './store.ts'

/** The part of a configuration that revoking needs. `url` is only for upstreams that trust the broker's own tokens. */
export type RevocationSettings = Pick<
  Configuration,
  'file' | 'store' | 'sealKeys' | 'audit' | 'connections'
> & {
  readonly url: string | undefined
  /** As far as they can be read: selectors name them. */
  readonly registered: Registered
}

/**
 * Reads of `file` the store, the seal keys and the connections; whatever else is
 * wrong with it does not matter. A connection that is faulty is left out and
 * told: what the others have minted can be revoked all the same (invariant I4).
 */
export async function loadRevocation(
  file: string,
  given: {
    providers: readonly Provider[]
    clock: Clock
    env: Record<string, string | undefined>
    services: Services
  },
): Promise<{ settings?: RevocationSettings; faults: Fault[] }> {
  const { providers, clock, env, services } = given
  const faults: Fault[] = []
  const secrets = secretReader({ file, env })
  const ways = fetchIn(env, { file, faults })
  const loading: Loading = { file, faults, secrets, clock, ...ways }
  const read = readSettings(loading)
  if (!read) return { faults }
  faults.push(...secrets.check({ store: read.store, seal: read.seal, providers: read.providers }, []))
  const store = read.store && compileStore(read.store, loading)
  const sealKeys = read.seal && compileSealKeys(read.seal, loading)
  const audit = compileAudit(read.audit ?? { heads: { kind: 'log' } }, read.seal, loading)
  const described = describeConnections(read.providers ?? {}, providers, loading)
  const connections = await connectAll(described, loading, services)
  const own = faults.filter(({ path }) => path === '' || concerns(path))
  const stops = own.some(({ path, warning }) => !warning && !path.startsWith('providers'))
  if (!store || !sealKeys || stops) return { faults: own }
  const registered = await compileRegistered(read, { ...loading, faults: [] })
  return { settings: { file, url: read.url, store, sealKeys, audit, connections, registered }, faults: own }
}

/** What of agents and issuers compiles: whatever is wrong with the others must not be in the way now. */
async function compileRegistered(read: Settings, loading: Loading): Promise<Registered> {
  const { issuers: entries = {}, agents: directory, url = '' } = read
  const issuers = compileIssuers(entries, url, loading)
  const known = new Map(Object.keys(entries).map((name) => [name, issuers.get(name)]))
  const { written } = await compileAgents(directory, known, loading)
  const agents = new Agents(written.map(({ agent }) => agent))
  return { agents, issuers: new Map([...issuers.values()].map((issuer) => [issuer.issuer, issuer])) }
}

/** Whether it stands in a setting that revoking needs: a fault elsewhere must not be in the way now. */
function concerns(path: string): boolean {
  return /^(?:store|seal|providers)\b/.test(path)
}
