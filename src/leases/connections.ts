/** The upstreams in force, found by what is asked of them. */
import type { ZodError } from 'zod'
import { BrokerError } from '../base/errors.ts'
import type { Provider } from '../provider/contract.ts'
import type { Connection } from '../provider/upstream.ts'
import type { Lease } from './lease.ts'

/** A configured upstream. */
export interface ConnectionEntry {
  provider: Provider
  name: string
  connection: Connection
  /** Kept only so that what it has minted can be revoked. */
  retired: boolean
}

/** A validated authorization detail with the connection that serves it. */
export interface ResolvedDetail {
  entry: ConnectionEntry
  /** Normalised by its provider. */
  detail: unknown
}

/** Lookups over the configured connections; immutable. */
export class Connections implements Iterable<ConnectionEntry> {
  readonly #providers: ReadonlyMap<string, Provider>
  readonly #entries: readonly ConnectionEntry[]

  constructor(providers: readonly Provider[], entries: readonly ConnectionEntry[]) {
    this.#providers = new Map(providers.map((provider) => [provider.type, provider]))
    this.#entries = entries
  }

  [Symbol.iterator](): Iterator<ConnectionEntry> {
    return this.#entries[Symbol.iterator]()
  }

  /** The types of detail that can be asked for. */
  types(): string[] {
    return [...new Set(this.#entries.map((entry) => entry.provider.type))]
  }

  /** The connection of this name, retired or not. */
  get(provider: string, name: string): ConnectionEntry | undefined {
    return this.#entries.find((entry) => entry.provider.type === provider && entry.name === name)
  }

  /** The connection that the lease was minted through, as long as it leads where it led then. */
  of({ provider, connection, upstream }: Pick<Lease, 'provider' | 'connection' | 'upstream'>) {
    const entry = this.get(provider, connection)
    return entry?.connection.upstream === upstream ? entry : undefined
  }

  /**
   * Validates what a caller wrote as one authorization detail (RFC 9396) and
   * finds the connection for it.
   *
   * @throws BrokerError `invalid_request`
   */
  resolve(written: unknown, path: string): ResolvedDetail {
    const type =
      typeof written === 'object' && written !== null && 'type' in written ? written.type : undefined
    const provider = typeof type === 'string' ? this.#providers.get(type) : undefined
    if (!provider) {
      const known = [...this.#providers.keys()].join(', ')
      throw refusal(`${path}.type: one of ${known} is needed`)
    }
    const parsed = provider.detail.safeParse(written)
    if (!parsed.success) throw refusal(firstFault(parsed.error, path))
    return { entry: this.#choose(provider, parsed.data, path), detail: parsed.data }
  }

  #choose(provider: Provider, detail: unknown, path: string): ConnectionEntry {
    const named = (detail as { connection?: string }).connection
    const fitting = this.#entries.filter(
      (entry) =>
        entry.provider === provider &&
        !entry.retired &&
        (named === undefined || entry.name === named) &&
        entry.connection.serves(detail),
    )
    const [first, second] = fitting
    if (!first)
      throw refusal(
        `${path}: no ${provider.type} connection${named === undefined ? '' : ` named ${JSON.stringify(named)}`} serves this`,
      )
    if (second)
      throw refusal(
        `${path}: several connections serve this (${fitting.map((entry) => entry.name).join(', ')}); name one in \`connection\``,
      )
    return first
  }
}

function refusal(message: string): BrokerError {
  return new BrokerError('invalid_request', message, { parameter: 'authorization_details' })
}

function firstFault(error: ZodError, path: string): string {
  const [issue] = error.issues
  return issue ? `${[path, ...issue.path.map(String)].join('.')}: ${issue.message}` : `${path} is not valid`
}
