/** What decides, without what mints and what listens. */
import { Agents } from '../agents/registry.ts'
import type { Clock } from '../base/clock.ts'
import type { Fault } from '../base/fault.ts'
import type { Issuers } from '../identity/issuer.ts'
import type { Admins } from '../control/admins.ts'
import { Connections, type DescribedConnection } from '../leases/connections.ts'
import type { Policies } from '../policy/compile.ts'
import type { Provider } from '../provider/contract.ts'
import { compileAdmins } from './admins.ts'
import { checkOwners, compileAgents } from './agents.ts'
import { describeConnections } from './connections.ts'
import { compileIssuers } from './issuers.ts'
import { type Loading, warn } from './loading.ts'
import { addPlaces } from './places.ts'
import { compilePolicyFiles } from './policies.ts'
import { readSettings, type Settings } from './read.ts'
import { reviewRules } from './review.ts'
import { secretReader } from './secrets.ts'
import { checkGrants } from './sts.ts'

/** The part of a configuration that decisions are made with. */
export interface RuleSet {
  /** As it was named. */
  readonly file: string
  /** The broker's public origin. */
  readonly url: string
  readonly issuers: Issuers
  readonly agents: Agents
  readonly policies: Policies
  readonly connections: Connections<DescribedConnection>
}

/**
 * Compiles everything that decides; what is faulty is missing, and `policies` are there only as a
 * whole. With `review` it is also said what is valid and surely not meant.
 */
export async function compileRules(
  settings: Settings,
  given: {
    providers: readonly Provider[]
    connections: readonly DescribedConnection[]
    review?: boolean
  },
  loading: Loading,
) {
  const issuers = compileIssuers(settings.issuers ?? {}, settings.url ?? '', loading)

  const known = new Map(Object.keys(settings.issuers ?? {}).map((name) => [name, issuers.get(name)]))
  const { written, sketches } = await compileAgents(settings.agents, known, loading)
  const agents = new Agents(written.map(({ agent }) => agent))
  const admins = compileAdmins(settings.admins ?? [], { agents, issuers: known }, loading)
  checkOwners(written, admins, loading)
  checkGrants(written, new Connections(given.providers, given.connections), loading)
  for (const issuer of issuers.values()) {
    const client = issuer.login?.adminClientId
    if (client !== undefined && !admins.audiences(issuer).includes(client))
      warn(
        loading,
        ['issuers', issuer.name, 'login', 'admin_client_id'],
        'is a client whose tokens are no admin’s',
        `Name it in \`audience\` of an entry under \`admins\`.`,
      )
  }
  const approvers = approversIn(settings.admins, admins)
  const compiled = await compilePolicyFiles(settings.policies, { ...given, agents, approvers }, loading)
  const { written: policies } = compiled
  if (given.review)
    reviewRules({ ...given, settings, issuers: known, agents: written, sketches, policies }, loading)
  return {
    issuers: new Map([...issuers.values()].map((issuer) => [issuer.issuer, issuer])),
    agents,
    admins,
    policies: compiled.policies,
  }
}

/** Those of faulty entries too: that such a group can approve nothing yet is said of the entry. */
function approversIn(entries: Settings['admins'] = [], admins: Admins): Set<string> {
  const named = entries.flatMap((entry) =>
    typeof entry === 'object' && entry !== null && 'name' in entry ? String(entry.name) : [],
  )
  const sound = new Map([...admins].map((entry) => [entry.name, entry]))
  return new Set(named.filter((name) => sound.get(name)?.may.includes('approve') ?? true))
}

/**
 * Reads what `file` says about deciding, and none of its secrets: policies are
 * looked at where there are none, as in CI. No upstream can be called with the result.
 */
export async function loadRules(
  file: string,
  given: { providers: readonly Provider[]; clock: Clock },
): Promise<{ rules?: RuleSet; faults: Fault[] }> {
  const { providers, clock } = given
  const faults: Fault[] = []
  // Of an issuer's secrets and of its address nothing is asked before a token comes.
  const secrets = secretReader({ file, env: {} })
  const loading: Loading = { file, faults, clock, secrets, fetchWith: () => fetch, pooledWith: () => fetch }
  const settings = readSettings(loading)
  if (!settings) return { faults }
  const connections = describeConnections(settings.providers ?? {}, providers, loading)
  const { policies, issuers, agents } = await compileRules(settings, { providers, connections }, loading)
  await addPlaces(faults)
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
