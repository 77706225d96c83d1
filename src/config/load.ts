/**
 * The configuration compiler: raw files become one immutable value, or a list
 * of everything that is wrong with them. The linter and the server share it.
 */
import type { Agents } from '../agents/registry.ts'
import type { Clock } from '../base/clock.ts'
import { compileAudit, type Outside } from './audit.ts'
import { connectAll, describeConnections } from './connections.ts'
import { Digest } from './digest.ts'
import { deepFreeze } from '../base/freeze.ts'
import { located } from './files.ts'
import { fault, fetchIn, type Loading, readable } from './loading.ts'
import { compileNotify } from './notify.ts'
import { addPlaces } from './places.ts'
import { readSettings, type Settings } from './read.ts'
import { compileRules } from './rules.ts'
import type { Limits } from './schema.ts'
import { compileSealKeys } from './seal.ts'
import { secretReader } from './secrets.ts'
import { compileStore, reviewStore } from './store.ts'
import { compileTls, type Tls } from './tls.ts'
import { readAuthorities } from './trust.ts'
import { isLocal, type Listen } from './values.ts'
import type { StoreAddress } from '../store/address.ts'
import type { Admins } from '../control/admins.ts'
import type { Fault } from '../base/fault.ts'
import type { Issuers } from '../identity/issuer.ts'
import type { ConnectionEntry } from '../leases/connections.ts'
import type { Target } from '../notify/target.ts'
import type { Policies } from '../policy/compile.ts'
import type { Provider } from '../provider/contract.ts'
import type { SealKey } from '../base/seal.ts'
import { Services } from '../provider/services.ts'

/** Everything of design §8, compiled; immutable. A request sees one of these from beginning to end. */
export interface Configuration {
  /** As it was named. */
  readonly file: string
  /** The public origin, `https://mayfly.acme.dev`. */
  readonly url: string
  /** Of all that it says but for what may differ from one broker to the next: hex. */
  readonly digest: string
  readonly listen: Listen
  /** Addresses and blocks that may say for whom they forward. */
  readonly trustedProxies: readonly string[]
  readonly tls: Tls | undefined
  /** PEM, public: what clients are told to trust this broker by. */
  readonly clientCa: readonly string[] | undefined
  readonly store: StoreAddress
  /** The first seals, all unseal. */
  readonly sealKeys: readonly SealKey[]
  readonly audit: Outside
  readonly issuers: Issuers
  readonly agents: Agents
  readonly policies: Policies
  readonly connections: readonly ConnectionEntry[]
  readonly admins: Admins
  /** Who is told of what waits for somebody. */
  readonly notify: readonly Target[]
  readonly limits: Limits
  /** How long what has ended is kept, milliseconds. */
  readonly retention: { readonly tasks: number; readonly audit: number }
}

interface Given {
  /** Every kind of upstream that a configuration may name. */
  providers: readonly Provider[]
  clock: Clock
  env: Record<string, string | undefined>
  /** What connections are lent; without it they can be described but not used. */
  services?: Services
  /** The certificate that a running broker serves: it goes on where the one on disk, just being renewed, is none. */
  inUse?: { tls: Tls | undefined }
  /** Whether to say also what is valid and surely not meant, and to look at the store. */
  review?: boolean
}

/**
 * Reads and compiles the configuration `file` and all it names. There is a
 * configuration exactly when no fault is more than a warning.
 */
export async function loadConfiguration(
  file: string,
  given: Given,
): Promise<{ configuration?: Configuration; faults: Fault[] }> {
  const { clock, env } = given
  const faults: Fault[] = []
  const secrets = secretReader({ file, env })
  const ways = fetchIn(env, { file, faults })
  const loading: Loading & { digest: Digest } = {
    file,
    faults,
    secrets,
    clock,
    digest: new Digest(),
    ...ways,
  }
  const settings = readSettings(loading)
  const configuration = settings && (await compile(settings, given, loading))
  await addPlaces(faults)
  return configuration ? { configuration, faults } : { faults }
}

/** From here on a setting that is faulty is missing, so that one fault does not hide the others. */
async function compile(
  settings: Settings,
  { providers, services = new Services(), inUse, review = false }: Given,
  loading: Loading & { digest: Digest },
): Promise<Configuration | undefined> {
  const { file, faults, secrets } = loading
  faults.push(...secrets.check(settings, []))
  const { url, listen, tls: tlsSetting, trusted_proxies: trustedProxies } = settings
  if (listen && !isLocal(listen) && !tlsSetting && !trustedProxies?.length)
    fault(
      loading,
      ['listen'],
      'is reachable from outside without TLS, and tokens would cross the network in clear',
      'Set `tls`, or name the proxies that do TLS in `trusted_proxies`, or listen on 127.0.0.1.',
    )
  const ca = settings.client?.ca
  const clientCa =
    ca === undefined
      ? undefined
      : readable(loading, { at: ['client', 'ca'] }, () => readAuthorities(located(file, ca)))
  const compiled = tlsSetting && compileTls(tlsSetting, loading)
  const store = settings.store && compileStore(settings.store, loading)
  if (review && store) await reviewStore(store, loading)
  const sealKeys = settings.seal && compileSealKeys(settings.seal, loading)
  const audit = settings.audit && compileAudit(settings.audit, settings.seal, loading)
  const described = describeConnections(settings.providers ?? {}, providers, loading)
  const connections = Object.freeze(await connectAll(described, loading, services))
  const { policies, ...rules } = await compileRules(
    settings,
    { providers, connections: described, review },
    loading,
  )

  const notify = Object.freeze(compileNotify(settings.notify ?? [], loading))

  const { limits, retention } = settings
  const tls = tlsSetting && (compiled ?? inUse?.tls)
  if (inUse)
    for (const found of faults)
      if (/^tls(?:\.|$)/.test(found.path) && found.file === file) found.warning = true
  if (faults.some(({ warning }) => !warning)) return undefined
  if (
    !url ||
    !listen ||
    !trustedProxies ||
    !store ||
    !sealKeys ||
    !audit ||
    !policies ||
    !limits ||
    !retention
  )
    throw new Error('a setting is missing, and no fault says so')
  return Object.freeze({
    digest: loading.digest.toString(),
    ...deepFreeze({ file, url, listen, trustedProxies, tls, clientCa, store, limits, retention }),
    sealKeys,
    audit,
    policies,
    connections,
    notify,
    ...rules,
  })
}
