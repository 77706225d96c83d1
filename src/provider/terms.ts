/** What is known of an upstream by its configuration alone, and what it asks of policy. */

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

/** An action and the class whose group it is in. */
export interface ClassedAction {
  /** `github.contents.write` */
  action: string
  class: Class
}

/** One question that policy has to answer with yes before a detail may be minted. */
export interface AuthorizationRequest extends ClassedAction {
  resource: Resource
  /** Lower actions that this one includes: they need no permit of their own, but none may be forbidden. */
  implied: ClassedAction[]
  /** Context of this provider's own, as its Cedar fragment declares it. */
  context?: Record<string, string[]>
}

/** The distinct classes among `requests`. */
export function classesOf(requests: readonly AuthorizationRequest[]): Class[] {
  return [...new Set(requests.map((request) => request.class))]
}

/**
 * The attributes of every request's context (design §9), in Cedar's schema
 * syntax. The type `Context` is these; a provider whose actions carry more
 * declares a record of its own from these and its additions.
 */
export const contextFields = `connection: String, purpose: String, ttl: Long, environment: String, class: String,
  revocation: String, approvals: Set<String>, depth: Long, request: Request, held: Set<String>`
