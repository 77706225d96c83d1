/** The upstreams in force, found by what is asked of them. */
import { z, type ZodError } from 'zod'
import { BrokerError } from '../base/errors.ts'
import type { Provider } from '../provider/contract.ts'
import type { Terms } from '../provider/terms.ts'
import type { Upstream } from '../provider/upstream.ts'
import { ofProvider } from './detail.ts'
import type { Lease } from './lease.ts'

/** A connection as the configuration describes it, without its secrets: enough to decide by. */
export interface DescribedConnection {
  provider: Provider
  name: string
  terms: Terms
  /** Kept only so that what it has minted can be revoked. */
  retired: boolean
}

/** A connection that can be called. */
export interface ConnectionEntry extends DescribedConnection {
  upstream: Upstream
}

/** A validated authorization detail with the connection that serves it. */
export interface ResolvedDetail<Entry extends DescribedConnection = ConnectionEntry> {
  entry: Entry
  /** Normalised by its provider, and what all of its entry takes. */
  detail: unknown
  /** The same as it goes on record and back to callers: with the `connection` that was named, if one was. */
  asked: unknown
}

/** Lookups over the configured connections; immutable. */
export class Connections<Entry extends DescribedConnection = ConnectionEntry> implements Iterable<Entry> {
  readonly #providers: ReadonlyMap<string, Provider>
  readonly #entries: readonly Entry[]

  constructor(providers: readonly Provider[], entries: readonly Entry[]) {
    this.#providers = new Map(providers.map((provider) => [provider.type, provider]))
    this.#entries = entries
  }

  [Symbol.iterator](): Iterator<Entry> {
    return this.#entries[Symbol.iterator]()
  }

  /** The types of detail that can be asked for. */
  types(): string[] {
    return [...new Set(this.#entries.map((entry) => entry.provider.type))]
  }

  /** The connection of this name, retired or not. */
  get(provider: string, name: string): Entry | undefined {
    return this.#entries.find((entry) => entry.provider.type === provider && entry.name === name)
  }

  /** The connection that the lease was minted through, as long as it leads where it led then. */
  of({ provider, connection, upstream }: Pick<Lease, 'provider' | 'connection' | 'upstream'>) {
    const entry = this.get(provider, connection)
    return entry?.terms.leadsTo === upstream ? entry : undefined
  }

  /**
   * Validates what a caller wrote as one authorization detail (RFC 9396) and
   * finds the connection for it.
   *
   * @throws BrokerError `invalid_request`
   */
  resolve(written: unknown, path: string): ResolvedDetail<Entry> {
    const type =
      typeof written === 'object' && written !== null && 'type' in written ? written.type : undefined
    const provider = typeof type === 'string' ? this.#providers.get(type) : undefined
    if (!provider) {
      const known = [...this.#providers.keys()].join(', ')
      throw refusal(`${path}.type: one of ${known} is needed`)
    }
    const choice = choiceOf.safeParse(written)
    if (!choice.success) throw refusal(firstFault(choice.error, path))
    const parsed = provider.detail.safeParse(ofProvider(written))
    if (!parsed.success) throw refusal(firstFault(parsed.error, path))
    const detail = parsed.data
    const asked = { type, ...choice.data, ...(detail as object) }
    return { entry: this.#choose(provider, detail, choice.data.connection, path), detail, asked }
  }

  #choose(provider: Provider, detail: unknown, named: string | undefined, path: string): Entry {
    const fitting = this.#entries.filter(
      (entry) =>
        entry.provider === provider &&
        !entry.retired &&
        (named === undefined || entry.name === named) &&
        entry.terms.serves(detail),
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

/** Which of the connections is meant, where several would fit: the broker's part of a detail. */
const choiceOf = z.object({ connection: z.string().min(1).exactOptional() })

function refusal(message: string): BrokerError {
  return new BrokerError('invalid_request', message, { parameter: 'authorization_details' })
}

function firstFault(error: ZodError, path: string): string {
  const [issue] = error.issues
  return issue ? `${[path, ...issue.path.map(String)].join('.')}: ${issue.message}` : `${path} is not valid`
}
