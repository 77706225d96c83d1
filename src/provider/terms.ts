/**
 * What is known of an upstream by its configuration alone, and what it asks of
 * policy: enough to validate, decide and explain, without a secret or a call.
 */

/** What kind of authority an action is, from the least to the most. */
export const classes = ['read', 'write', 'deploy', 'secrets', 'admin'] as const
export type Class = (typeof classes)[number]

/**
 * How a credential can be taken back: `immediate`, one upstream call ends it;
 * `eventual`, a call ends it after some propagation; `expiry`, only its own
 * upstream life ends it.
 */
export const revocations = ['immediate', 'eventual', 'expiry'] as const
export type Revocation = (typeof revocations)[number]

/** A policy entity without the namespace: `{ type: 'GithubRepository', id: 'acme/web' }`. */
export interface Entity {
  type: string
  id: string
}

/** What a request is about, and everything that it is in. */
export interface Resource extends Entity {
  parents: Entity[]
}

/** A resource that a connection has, and what can be asked on it or on what is in it. */
export interface ServedResource extends Resource {
  actions: readonly ClassedAction[]
}

/** An action and the group that it is in: the class of a credential, or that of calls of tools. */
export interface ClassedAction {
  /** `github.contents.write` */
  action: string
  class: Class | 'tool'
}

/** One question that policy has to answer with yes before a detail may be minted. */
export interface AuthorizationRequest extends ClassedAction {
  resource: Resource
  /** Lower actions that this one includes: they need no permit of their own, but none may be forbidden. */
  implied: ClassedAction[]
  /** Context of this provider's own, as its Cedar fragment declares it. */
  context?: Record<string, string[]>
}

/** The most that `requests` may do; a call of a tool is the least. */
export function highest(requests: readonly AuthorizationRequest[]): ClassedAction['class'] {
  return highestOf(classesOf(requests)) ?? 'tool'
}

/** The most of these; undefined of none. */
export function highestOf(held: readonly Class[]): Class | undefined {
  return classes.findLast((each) => held.includes(each))
}

/** The distinct classes among `requests`. A call of a tool has none. */
export function classesOf(requests: readonly AuthorizationRequest[]): Class[] {
  return [...new Set(requests.map((request) => request.class))].filter((each) => each !== 'tool')
}

/**
 * The attributes of every request's context (design §9), in Cedar's schema
 * syntax. The type `Context` is these; a provider whose actions carry more
 * declares a record of its own from these and its additions.
 */
export const contextFields = `connection: String, purpose: String, ttl: Long, environment: String, class: String,
  revocation: String, approvals: Set<String>, depth: Long, request: Request, held: Set<String>`

/**
 * What one configured upstream offers, and on what terms. Pure: the same for the
 * same configuration, whatever upstream says and whenever it is asked. A `Detail` is
 * normal and as its provider parses it, without the `connection` that may stand
 * beside it: choosing one by name is the broker's. But for `serves`, details are
 * those that it serves; of others that were served once, `revocation` and `lacks` tell too.
 */
export interface Terms<Detail = unknown> {
  /**
   * Where it leads, as text, the same in every configuration that leads there: a
   * credential minted at one upstream can be ended at no other, and another would
   * call it dead.
   */
  readonly leadsTo: string
  /**
   * The web host that its credentials are for, `github.com`: clients offer them to
   * no other. Left out where there is none, or the credential itself says where it belongs.
   */
  readonly host?: string
  /**
   * What requests through it are about, as far as the configuration tells: the roles
   * themselves, the owners of repositories. Two upstreams may have one name each for
   * something of their own; what it is in tells them apart.
   */
  readonly resources: readonly ServedResource[]
  /** Whether this upstream is the one for `detail` (its owner, account or mount is configured here). */
  serves(detail: Detail): boolean
  /** What policy must allow for `detail`: never empty. */
  requests(detail: Detail): AuthorizationRequest[]
  /** Whether `inner` asks for nothing that `outer` does not. */
  covers(outer: Detail, inner: Detail): boolean
  revocation(detail: Detail): Revocation
  /** Seconds that the shortest-lived credential lives that upstream can mint. Binds only where revocation is `expiry`. */
  minTtl(detail: Detail): number
  /**
   * Upstream room that a credential takes for as long as it stands, where there is
   * only so much: `key` names the room (a role), the same in every connection that
   * leads to it, `total` how many fit where nothing else is in it. One agent may hold a
   * quarter of what there is.
   */
  slot?(detail: Detail): Slot
  /**
   * What revoking takes of what was minted for `detail` and the configuration no
   * longer has, in words: `the role ARN`. Left out where the connection is enough.
   */
  lacks?(detail: Detail): string | undefined
}

export interface Slot {
  key: string
  total: number
}
