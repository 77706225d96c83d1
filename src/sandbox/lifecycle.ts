/** The life of a counterpart's credentials, as the demo shows it. */

/** RFC 9396, as it goes over the wire. */
type AuthorizationDetail = Record<string, unknown> & { type: string }

/** As the broker delivers it. */
export type Credential = Record<string, unknown>

/** A request made with a credential, straight to upstream. */
export interface Attempt {
  /** `GET /repos/acme/web/contents/README.md` */
  request: string
  /** The HTTP status. */
  status: number
  /** `refused` only where upstream says that the credential itself is no good. */
  outcome: 'accepted' | 'refused' | 'unclear'
}

/** By the workload itself, at its deadline, by an admin, or at its deadline while no broker was there. */
export type Ending = 'completed' | 'expired' | 'revoked' | 'crashed'

export interface Lifecycle {
  /** How its tasks end, in the order shown. */
  endings: readonly Ending[]
  /** What each of its tasks asks for; the sandbox's policies permit it. */
  scope: AuthorizationDetail
  /** What the sandbox's policies forbid, if the demo is to try it. */
  forbidden?: AuthorizationDetail
  /** Does what the credential is for. */
  work(credential: Credential): Promise<Attempt[]>
  /** One harmless request, which tells whether the credential works. */
  attempt(credential: Credential): Promise<Attempt>
}
