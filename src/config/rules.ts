/** What decides, without what mints and what listens. */
import { generateKeyPairSync } from 'node:crypto'
import { Agents } from '../agents/registry.ts'
import type { Clock } from '../base/clock.ts'
import type { Fault } from '../base/fault.ts'
import type { Issuers } from '../identity/issuer.ts'
import { Connections } from '../leases/connections.ts'
import type { Policies } from '../policy/compile.ts'
import type { Provider } from '../provider/contract.ts'
import { Services } from '../provider/services.ts'
import { compileAdmins } from './admins.ts'
import { checkOwners, compileAgents } from './agents.ts'
import { compileConnections } from './connections.ts'
import { compileIssuers } from './issuers.ts'
import type { Loading } from './loading.ts'
import { compilePolicyFiles } from './policies.ts'
import { readSettings, type Settings } from './read.ts'

/** The part of a configuration that decisions are made with. */
export interface RuleSet {
  /** As it was named. */
  readonly file: string
  /** The broker's public origin. */
  readonly url: string
  readonly issuers: Issuers
  readonly agents: Agents
  readonly policies: Policies
  /** To ask about, never to call. */
  readonly connections: Connections
}

/** Compiles everything that decides; what is faulty is missing, and `policies` are there only as a whole. */
export async function compileRules(settings: Settings, providers: readonly Provider[], loading: Loading) {
  const issuers = compileIssuers(settings.issuers ?? {}, settings.url ?? '', loading)
  const connections = compileConnections(settings.providers ?? {}, providers, loading)

  const known = new Map(Object.keys(settings.issuers ?? {}).map((name) => [name, issuers.get(name)]))
  const written = await compileAgents(settings.agents, known, loading)
  const agents = new Agents(written.map(({ agent }) => agent))
  const admins = compileAdmins(settings.admins ?? [], { agents, issuers: known }, loading)
  checkOwners(written, admins, loading)
  const policies = await compilePolicyFiles(
    settings.policies,
    { providers, connections, agents, admins },
    loading,
  )
  return {
    issuers: new Map([...issuers.values()].map((issuer) => [issuer.issuer, issuer])),
    connections: Object.freeze(connections),
    agents,
    admins,
    policies,
  }
}

/**
 * Reads what `file` says about deciding, and none of its secrets: policies are
 * looked at where there are none, as in CI. No upstream can be called with the result.
 */
export async function loadRules(
  file: string,
  given: { providers: readonly Provider[]; clock: Clock },
): Promise<{ rules?: RuleSet; faults: Fault[] }> {
  const providers = given.providers.map(withoutSecrets)
  const faults: Fault[] = []
  const secrets = { read: () => '', check: () => [], files: () => [] }
  const loading: Loading = {
    file,
    faults,
    secrets,
    clock: given.clock,
    fetchWith: () => fetch,
    services: new Services(),
  }
  const settings = readSettings(loading)
  if (!settings) return { faults }
  const { connections, policies, issuers, agents } = await compileRules(settings, providers, loading)
  if (!policies || faults.some(({ warning }) => !warning)) return { faults }
  return {
    rules: {
      file,
      url: settings.url ?? '',
      issuers,
      agents,
      policies,
      connections: new Connections(providers, connections),
    },
    faults,
  }
}

/** The provider as it connects when nobody has its secrets: what it looks into then only has to be of the right kind. */
function withoutSecrets(provider: Provider): Provider {
  return {
    ...provider,
    connect(config, context) {
      try {
        return provider.connect(config, { ...context, secret: () => 'stand-in' })
      } catch {
        // Not a token, then; what is wrong otherwise is wrong with a key too.
        const secret = throwawayKey()
        return provider.connect(config, { ...context, secret: () => secret })
      }
    },
  }
}

function throwawayKey(): string {
  return generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey
}
