import type { ConnectionEntry, DescribedConnection } from '../leases/connections.ts'
import type { Provider } from '../provider/contract.ts'
import type { Services } from '../provider/services.ts'
import type { SecretRef } from '../provider/secret-ref.ts'
import { fault, fetchTrusting, type Loading, type Reading } from './loading.ts'
import { dotted, meant, parse, type Path } from './parse.ts'
import { connectionKeys, type ConfigurationFile } from './schema.ts'

/** A connection that is described, and what connecting it takes. */
interface Written extends DescribedConnection {
  at: Path
  ca: string | undefined
  concurrency: number
  /** As its provider parses it. */
  config: unknown
}

/** Describes the entries of `providers`. No secret is read. */
export function describeConnections(
  entries: ConfigurationFile['providers'],
  providers: readonly Provider[],
  reading: Reading,
): Written[] {
  const { file, faults } = reading
  const known = new Map(providers.map((provider) => [provider.type, provider]))
  return Object.entries(entries).flatMap(([type, list]) => {
    const provider = known.get(type)
    if (!provider) {
      fault(reading, ['providers', type], 'is not a known provider', meant(type, [...known.keys()]))
      return []
    }
    const names = new Set<string>()
    return list.flatMap((written, index) => {
      const at = ['providers', type, index]
      const entry = parse(connectionKeys, written, { file, at, faults })
      if (entry && names.has(entry.name))
        fault(reading, [...at, 'name'], 'names another connection of this type too', 'Choose another name.')
      if (entry) names.add(entry.name)
      // What is wrong with the broker's own keys must not hide what is wrong with the others.
      const own = ownKeys(written, entry?.name)
      const config =
        own && parse(provider.config, own, { file, at, faults, also: ['ca', 'retired', 'concurrency'] })
      if (!entry || config === undefined) return []
      const { name, ca, retired, concurrency } = entry
      const terms = provider.terms({ ...(config as object), name })
      return [{ provider, name, terms, retired, concurrency, at, ca, config }]
    })
  })
}

/** What is the provider's; undefined where it is no map at all, which is said already. */
function ownKeys(written: unknown, name = 'unnamed'): Record<string, unknown> | undefined {
  if (typeof written !== 'object' || written === null || Array.isArray(written)) return undefined
  const { ca: _ca, retired: _retired, concurrency: _, ...own } = written as Record<string, unknown>
  return { ...own, name }
}

/** Connects those that can be. No upstream is called. */
export async function connectAll(
  written: readonly Written[],
  loading: Loading,
  services: Services,
): Promise<ConnectionEntry[]> {
  const connected: ConnectionEntry[] = []
  for (const each of written) {
    const entry = await connect(each, loading, services)
    if (entry) connected.push(entry)
  }
  return connected
}

async function connect(
  { provider, name, terms, retired, concurrency, at, ca, config }: Written,
  loading: Loading,
  services: Services,
): Promise<ConnectionEntry | undefined> {
  const { faults, secrets, clock } = loading
  const fetch = fetchTrusting(loading, at, ca, loading.pooledWith)
  // Its secrets have been looked at: those that cannot be read are faults of their own.
  const here = dotted(at)
  const broken = faults.some(
    ({ path, warning }) => !warning && (path === here || path.startsWith(`${here}.`)),
  )
  if (!fetch || broken) return undefined

  let read = ''
  let connecting = true
  const secret = (ref: SecretRef) => {
    const text = secrets.read(ref)
    if (connecting) read += `${text}\n`
    return text
  }
  try {
    const upstream = await provider.connect(
      { ...(config as object), name },
      { fetch, clock, secret, ...services.lent },
    )
    return Object.freeze({ provider, name, terms, upstream, retired, concurrency })
  } catch (error) {
    fault(loading, at, `cannot be connected${reason(error, read)}`, 'Check its settings and its secrets.')
    return undefined
  } finally {
    connecting = false
  }
}

/** What was thrown, in its own words, unless they hold a line of a secret: whatever parses a key may quote it. */
function reason(error: unknown, secrets: string): string {
  if (!(error instanceof Error)) return ''
  const [first = ''] = error.message.split('\n', 1)
  const quoted = secrets.split('\n').some((line) => line.trim() !== '' && first.includes(line.trim()))
  return quoted ? '' : `: ${first}`
}
