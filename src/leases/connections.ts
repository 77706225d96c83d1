/** The upstreams in force, found by what is asked of them. */
import { z } from 'zod'
import { closest } from '../base/closest.ts'
import { BrokerError } from '../base/errors.ts'
import { didYouMean, faultTexts, inOneText } from '../base/issues.ts'
import type { Provider } from '../provider/contract.ts'
import type { AuthorizationRequest, Terms } from '../provider/terms.ts'
import { tools } from '../provider/tools.ts'
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
  /** The most calls that it is sent at once; how many are good is found out. */
  concurrency?: number
}

/** A validated authorization detail with the connection that serves it. */
export interface ResolvedDetail<Entry extends DescribedConnection = ConnectionEntry> {
  entry: Entry
  /** Normalised by its provider, and what all of its entry takes. */
  detail: unknown
  /** The same as it goes on record and back to callers: with the `connection` that was named, if one was. */
  asked: unknown
}

const requested = new WeakMap<ResolvedDetail<DescribedConnection>, AuthorizationRequest[]>()

/** What policy must allow for the detail: worked out once, for what is resolved does not change. */
export function requestsOf(resolved: ResolvedDetail<DescribedConnection>): AuthorizationRequest[] {
  const known = requested.get(resolved)
  if (known) return known
  const requests = resolved.entry.terms.requests(resolved.detail)
  requested.set(resolved, requests)
  return requests
}

/** Details that are kept as resolved, and the longest of them in characters. */
const [mostKnown, longestKnown] = [1_000, 4_096]

/** What calls of tools are resolved to, in every configuration. It is none of the connections: nothing is minted through it. */
const ofTools: ConnectionEntry = {
  provider: tools as Provider,
  name: 'tools',
  terms: tools.terms({ name: 'tools' }) as Terms,
  retired: false,
  get upstream(): never {
    throw new Error('a tool is no upstream')
  },
}

/** Lookups over the configured connections; immutable. */
export class Connections<Entry extends DescribedConnection = ConnectionEntry> implements Iterable<Entry> {
  readonly #providers: ReadonlyMap<string, Provider>
  readonly #entries: readonly Entry[]
  /** By the JSON of what was written: jobs ask for the same again and again. */
  readonly #known = new Map<string, ResolvedDetail<Entry>>()

  constructor(providers: readonly Provider[], entries: readonly Entry[]) {
    this.#providers = new Map([...providers, tools].map((provider) => [provider.type, provider]))
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
   * Does the same for several, which stand at `path`, and says all that is wrong with any.
   *
   * @throws BrokerError `invalid_request`
   */
  resolveAll(written: readonly unknown[], path: string): ResolvedDetail<Entry>[] {
    const faults: string[] = []
    const resolved = written.flatMap((each, index) => this.#resolved(each, `${path}.${index}`, faults) ?? [])
    if (faults.length > 0) throw refusal(faults)
    return resolved
  }

  /** What is wrong with the form of details that stand at `path`, whoever may ask for them. */
  faultsOf(written: readonly unknown[], path: string): string[] {
    const faults: string[] = []
    written.forEach((each, index) => this.#parsed(each, `${path}.${index}`, faults))
    return faults
  }

  /** What the command line's shorthand `text`, without its type, stands for. @throws BrokerError `invalid_request` */
  fromShorthand(type: string, text: string): unknown {
    const provider = this.#providers.get(type)
    if (!provider)
      throw new BrokerError(
        'invalid_request',
        `${JSON.stringify(type)} is not one of ${this.types().join(', ')}`,
      )
    try {
      return provider.parseScope(text)
    } catch (error) {
      throw new BrokerError('invalid_request', error instanceof Error ? error.message : 'is not a scope')
    }
  }

  /**
   * Validates what a caller wrote as one authorization detail (RFC 9396) and
   * finds the connection for it.
   *
   * @throws BrokerError `invalid_request`
   */
  resolve(written: unknown, path: string): ResolvedDetail<Entry> {
    const faults: string[] = []
    const resolved = this.#resolved(written, path, faults)
    if (!resolved) throw refusal(faults)
    return resolved
  }

  #resolved(written: unknown, path: string, faults: string[]): ResolvedDetail<Entry> | undefined {
    const text = JSON.stringify(written)
    const known = this.#known.get(text)
    if (known) return known
    const resolved = this.#resolvedAnew(written, path, faults)
    if (resolved && text.length <= longestKnown) {
      if (this.#known.size >= mostKnown) this.#known.clear()
      this.#known.set(text, resolved)
    }
    return resolved
  }

  #resolvedAnew(written: unknown, path: string, faults: string[]): ResolvedDetail<Entry> | undefined {
    const parsed = this.#parsed(written, path, faults)
    if (!parsed) return undefined
    const { provider, connection, detail } = parsed
    const entry = this.#choose(provider, detail, connection)
    if (typeof entry === 'string') {
      faults.push(`${path}: ${entry}`)
      return undefined
    }
    const choice = connection === undefined ? {} : { connection }
    return { entry, detail, asked: { type: provider.type, ...choice, ...(detail as object) } }
  }

  #parsed(
    written: unknown,
    path: string,
    faults: string[],
  ): { provider: Provider; connection: string | undefined; detail: unknown } | undefined {
    const type =
      typeof written === 'object' && written !== null && 'type' in written ? written.type : undefined
    const provider = typeof type === 'string' ? this.#providers.get(type) : undefined
    if (!provider) {
      const known = [...this.#providers.keys()]
      const meant = typeof type === 'string' ? didYouMean(type, known) : ''
      faults.push(`${path}.type: one of ${known.join(', ')} is needed${meant}`)
      return undefined
    }
    const choice = choiceOf.safeParse(written)
    const parsed = provider.detail.safeParse(ofProvider(written))
    for (const { error } of [choice, parsed]) if (error) faults.push(...faultTexts(error, [path]))
    if (!choice.success || !parsed.success) return undefined
    return { provider, connection: choice.data.connection, detail: parsed.data }
  }

  /** The one that serves the detail, or what is in the way. */
  #choose(provider: Provider, detail: unknown, named: string | undefined): Entry | string {
    // Every kind of entry is a part of what a `ConnectionEntry` is.
    if (provider === tools && (named === undefined || named === ofTools.name))
      return ofTools as unknown as Entry
    const entries = this.#entries.filter((entry) => entry.provider === provider && !entry.retired)
    const fitting = entries.filter(
      (entry) => (named === undefined || entry.name === named) && entry.terms.serves(detail),
    )
    const [first, second] = fitting
    if (second)
      return `several connections serve this (${fitting.map((entry) => entry.name).join(', ')}); name one in \`connection\``
    if (first) return first
    if (named !== undefined && !entries.some(({ name }) => name === named))
      return `no ${provider.type} connection named ${JSON.stringify(named)} serves this${didYouMean(
        named,
        entries.map(({ name }) => name),
      )}`
    const which = named === undefined ? '' : ` named ${JSON.stringify(named)}`
    return `no ${provider.type} connection${which} serves this${nearestServed(detail, entries)}`
  }
}

/** What is served and may have been meant: the detail names it itself, or what is in it by its name. */
function nearestServed(detail: unknown, entries: readonly DescribedConnection[]): string {
  const served = new Set(entries.flatMap(({ terms }) => terms.resources.map(({ id }) => id)))
  const named = Object.values(detail as object)
    .flat()
    .filter((value) => typeof value === 'string')
  for (const name of named) {
    const [whole, container = ''] = [name, name.split('/')[0]]
    if (served.has(whole) || served.has(container)) continue
    const near = closest(whole, served, 2) ?? closest(container, served, 2)
    if (near !== undefined) return `; did you mean ${near}?`
  }
  return ''
}

/** Which of the connections is meant, where several would fit: the broker's part of a detail. */
const choiceOf = z.object({ connection: z.string().min(1).exactOptional() })

function refusal(faults: readonly string[]): BrokerError {
  return new BrokerError('invalid_request', inOneText(faults), { parameter: 'authorization_details' })
}
