import type { z } from 'zod'
import type { ConnectionEntry } from '../leases/connections.ts'
import type { Provider } from '../provider/contract.ts'
import type { SecretRef } from '../provider/secret-ref.ts'
import { fault, fetchTrusting, type Loading } from './loading.ts'
import { dotted, meant, parse } from './parse.ts'
import { connectionKeys, type ConfigurationFile } from './schema.ts'

type Entry = z.infer<typeof connectionKeys>

/** Connects the entries of `providers`. No upstream is called. */
export function compileConnections(
  entries: ConfigurationFile['providers'],
  providers: readonly Provider[],
  loading: Loading,
): ConnectionEntry[] {
  const known = new Map(providers.map((provider) => [provider.type, provider]))
  return Object.entries(entries).flatMap(([type, list]) => {
    const provider = known.get(type)
    if (!provider) {
      fault(loading, ['providers', type], 'is not a known provider', meant(type, [...known.keys()]))
      return []
    }
    const names = new Set<string>()
    return list.flatMap((written, index) => {
      const at = ['providers', type, index]
      const entry = parse(connectionKeys, written, { file: loading.file, at, faults: loading.faults })
      if (!entry) return []
      if (names.has(entry.name))
        fault(loading, [...at, 'name'], 'names another connection of this type too', 'Choose another name.')
      names.add(entry.name)
      const connected = connect(provider, entry, at, loading)
      return connected ? [connected] : []
    })
  })
}

function connect(
  provider: Provider,
  entry: Entry,
  at: readonly (string | number)[],
  loading: Loading,
): ConnectionEntry | undefined {
  const { ca, retired, ...own } = entry
  const { file, faults, secrets, clock } = loading
  const config = parse(provider.config, own, { file, at, faults, also: ['ca', 'retired'] })
  const fetch = fetchTrusting(loading, at, ca)
  // Its secrets have been looked at: those that cannot be read are faults of their own.
  const here = dotted(at)
  const broken = faults.some(
    ({ path, warning }) => !warning && (path === here || path.startsWith(`${here}.`)),
  )
  if (config === undefined || !fetch || broken) return undefined

  let read = ''
  let connecting = true
  const secret = (ref: SecretRef) => {
    const text = secrets.read(ref)
    if (connecting) read += `${text}\n`
    return text
  }
  try {
    const connection = provider.connect(
      { ...(config as object), name: entry.name },
      { fetch, clock, secret, ...loading.services.lent },
    )
    return Object.freeze({ provider, name: entry.name, connection, retired })
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
