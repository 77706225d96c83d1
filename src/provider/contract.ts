/**
 * The contract between the broker and what mints credentials. A provider knows one
 * kind of upstream: what a configuration of it is and says (`terms`), and how to call
 * one (`connect`). `test/contract/provider.ts` states it as tests that every provider runs.
 */
import type { ZodType } from 'zod'
import type { ClassedAction, Entity, Terms } from './terms.ts'
import type { ConnectionContext, Upstream } from './upstream.ts'

/**
 * Workloads that a provider's resources run, and whose identity tokens are in the
 * hands of whoever changes what they run: who may write a repository becomes every
 * agent that its jobs match.
 */
export interface Workloads {
  /** Each decides what the workloads of a resource do, or what their tokens say; `on` is the type that it is asked on. */
  readonly actions: readonly (ClassedAction & { on: string })[]
  /** The resource that a required claim names in full, if it does: `acme/web` of `repo:acme/web:ref:*`. */
  named(claim: string, pattern: string): Entity | undefined
  /** What stands for everything in `parent` that nobody has named: `acme/*`. */
  unnamed(parent: Entity): Entity
  /** Whether this may be an issuer of theirs, for a connection to `host`. `claims` are those that a rule on it requires. */
  issuedBy(
    issuer: { url: string; platform: string | undefined },
    host: string | undefined,
    claims: readonly string[],
  ): boolean
  /** What their tokens hold, each claim as patterns of which it is one, in lower case; what is left out may be anything. */
  tokensOf(resource: Entity): Readonly<Record<string, readonly string[]>>
}

/** One kind of upstream. */
export interface Provider<Config = unknown, Detail = unknown> {
  /** `github`: the detail's `type`, the key under `providers:`, the word before the colon on the command line. */
  readonly type: string
  /** One entry under `providers.TYPE`. Every entry has `name`, and may have `ca` and `retired`, which are the broker's. */
  readonly config: ZodType<Config>
  /**
   * One RFC 9396 authorization detail of this type, without the `connection` that it may
   * have, which is the broker's. Parsing normalises it, so that equal requests are equal JSON.
   */
  readonly detail: ZodType<Detail>
  /** Its entity types and actions, in Cedar's schema syntax, to stand inside `namespace Mayfly`. */
  readonly cedar: string
  /**
   * Attributes of its requests' context that hold what is asked as patterns, which
   * stand for more than their names, each with a set of such as a policy writes it:
   * policies may only hold them against all that is allowed.
   */
  readonly patterns?: Readonly<Record<string, string>>
  /** A problem with an entity id that a policy names (`acme/Web` is not lower case), or undefined. */
  entityFault?(entity: Entity): string | undefined
  /** What an entity is in by its name alone, as `acme/web` is `acme`'s. */
  parentsOf?(entity: Entity): Entity[]
  /** Where what its credentials may change runs with identities of its own. */
  readonly workloads?: Workloads
  /** The command line's shorthand without `TYPE:`. @throws Error that says what is expected. */
  parseScope(text: string): Detail
  /** The same shorthand for a detail, and what has none behind it. */
  scopeText(detail: Detail): string
  /** That shorthand in use, for the command line's help. */
  readonly scopeExamples: readonly string[]
  /** Its entry in what `mayfly init` writes: YAML that begins with `TYPE:`, each thing that only an operator can know left empty. */
  readonly starter: string
  /** What this configuration offers, and on what terms. Pure: reads no secret, calls nobody. */
  terms(config: Config & { name: string }): Terms<Detail>
  /** Nothing is called yet. Rejects with an Error when a secret cannot be read, or is not one. */
  connect(config: Config & { name: string }, context: ConnectionContext): Promise<Upstream<Detail>>
}
