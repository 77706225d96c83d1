/** Calling an upstream: what a provider makes of a configured connection. */
import type { Clock } from '../base/clock.ts'
import type { UpstreamFetch } from '../outbound/upstream-fetch.ts'
import type { SecretRef } from './secret-ref.ts'
import type { ProviderError } from './failure.ts'
import type { ClassedAction } from './terms.ts'

export const evidenceResults = ['dead', 'denied', 'gone', 'expired', 'live', 'unknown'] as const

/** What is known of a credential upstream after it was revoked. Times in milliseconds since 1970. */
export interface Evidence {
  /**
   * `dead`: upstream refused the credential itself, in its own words. `denied`: the deny is read
   * back as in force. `gone`: upstream no longer has what stood for it, and the
   * credential itself could not be tried. `expired`: its upstream life is over. `live`: it still works.
   * `unknown`: upstream gave no usable answer.
   */
  result: (typeof evidenceResults)[number]
  /** How it was found out, for a reader: `GET /installation/repositories answered 401`. */
  method: string
  at: number
}

/** JSON that a connection needs to find and revoke a credential. Sealed at rest, it may hold the credential itself. */
export type Handle = Record<string, unknown>

/** What a mint hands back. */
export interface Minted {
  /** The secret as the caller gets it, shaped per provider (design §10). */
  credential: Record<string, unknown>
  /**
   * The one string in `credential` that OAuth calls the access token, where
   * there is one: revocation by RFC 7009 finds the lease by its hash.
   */
  accessToken?: string
  /** When the credential dies upstream by itself, milliseconds since 1970. */
  expiresAt: number
  /**
   * Until when what was made with it can act under its name, where that is later than
   * its own end: what refuses it upstream is kept that long, and it takes its room.
   */
  standsUntil?: number
  handle: Handle
  /** What upstream's own audit log calls this credential. Not a secret. */
  fingerprint: string
  /**
   * What upstream granted beyond what was asked, in words for the caller. When
   * set, the broker revokes the credential at once and never delivers it.
   */
  wider?: string
}

/** What is recorded of a lease before its mint: enough to look for the credential upstream. */
export interface Intent<Detail> {
  leaseId: string
  taskId: string
  agent: string
  owner: string
  detail: Detail
  /** Milliseconds since 1970. */
  createdAt: number
  /** When the task ends at the latest, milliseconds since 1970. */
  deadline: number
}

/**
 * How long a mint may still be under way upstream after its intent was recorded.
 * More than the broker itself waits for one (`leases`): that nobody waits any more
 * does not stop a request that upstream has, and what it makes of it late must not
 * live on unseen.
 */
export const mintingTimeMs = 60_000

/** `gone`: it was seen that nothing of it works upstream. Otherwise the latest moment at which a lost credential could still work. */
export type Recovery = { gone: true } | { gone: false; liveUntil: number }

/**
 * How revoking one handle went. "Already gone" upstream is done. That upstream has taken a
 * revocation says nothing of the credential: `probe` shows whether it is dead.
 */
export type RevocationOutcome = { done: true } | { done: false; error: ProviderError }

/** One thing about an upstream that an operator wants to know before it fails. */
export interface Finding {
  status: 'ok' | 'warning' | 'fault'
  /** What was found, one line in our own words. Never a secret. */
  message: string
  /** What to do about it, one line. */
  remedy?: string
}

/** Whether some policy might permit an action to some agent, naming it or only its class. Errs towards yes. */
export type MightPermit = (action: ClassedAction) => 'by name' | 'by class' | undefined

/** What the broker lends a connection. */
export interface ConnectionContext {
  /**
   * The one way to upstream, also for an SDK that would bring an HTTP client of its
   * own: it knows the connection's own CA, and the proxy that there may be.
   */
  fetch: UpstreamFetch
  clock: Clock
  /** Reads a secret that the configuration names, without a trailing newline. @throws when it cannot be read. */
  secret(ref: SecretRef): string
  /** Tells this broker's traces upstream from another's: 16 hexadecimal digits, the same for the life of its store. */
  installation: () => string
  /**
   * A JWT of the broker's own for an upstream that trusts it as an OIDC issuer:
   * signed with the federation key, `aud` as given, a fixed `sub`, five minutes long.
   * @throws NotRunning where no broker has made that key yet
   */
  sign: (audience: string) => Promise<string>
  /** Runs `work` while nobody else, in this or another replica, runs work under the same key. */
  exclusive: <T>(key: string, work: () => Promise<T>) => Promise<T>
  /**
   * What all connections of a provider share under this key, made by the first that
   * asks: it outlives them, and every reload, and is gone with the process.
   */
  shared: <T extends object>(key: string, make: () => T) => T
}

/** What ending credentials, and keeping them ended, takes of the broker. */
export interface Upkeep {
  /**
   * The handles that upstream must go on refusing: of every `eventual` lease of this
   * provider, whichever connection minted it, that is on its way out or revoked, for as
   * long as it stands (`Minted.standsUntil`).
   */
  standing: () => Promise<Handle[]>
  /**
   * To be told where upstream refuses more than it was asked to: the leases of this
   * provider for whose handles `hit` holds are ended too. `reason` is why, in our words.
   */
  alsoRefused?: (hit: (handle: Handle) => boolean, reason: string) => void
  signal: AbortSignal
}

/**
 * One configured upstream that can be called. Every method that calls it takes an abort
 * signal, and the broker always gives one with a time limit. Failures are `ProviderError`s.
 */
export interface Upstream<Detail = unknown> {
  /** How many handles one call of `revoke` may take. */
  readonly revokesAtOnce: number
  /** How many credentials fit into a room of `Terms.slot`, as far as is known, where something else may be in it. */
  room?(key: string): number
  /** @throws ProviderError */
  mint(detail: Detail, intent: Intent<Detail>, options: { signal: AbortSignal }): Promise<Minted>
  /** One outcome a handle, in their order. */
  revoke(handles: Handle[], upkeep: Upkeep): Promise<RevocationOutcome[]>
  /**
   * Called at the start, after a reload and every minute: puts upstream back as it
   * should be, removes what is no longer needed, and finds out whether what is
   * minted could be taken back. What could not, `mint` rejects.
   */
  maintain?(upkeep: Upkeep): Promise<void>
  /** Looks for the credential of a mint whose outcome is unknown, and ends it where upstream allows. */
  recover(intent: Intent<Detail>, options: { signal: AbortSignal }): Promise<Recovery>
  /** Finds out whether the credential still works. */
  probe(handle: Handle, options: { signal: AbortSignal }): Promise<Evidence>
  /**
   * For `mayfly doctor`: whether upstream can be reached, accepts this connection,
   * and has granted it what policy might permit and not much more. Changes nothing
   * and mints nothing. A failure to find out is a finding, or a `ProviderError`.
   */
  diagnose?(options: { mightPermit: MightPermit; signal: AbortSignal }): Promise<Finding[]>
}
