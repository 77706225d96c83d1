/** One kind of upstream, as the demo tries it. */
import type { AuthorizationDetail, MintedCredential } from '../client/client.ts'

export type Credential = MintedCredential['credential']

/** A request made with a credential, straight to upstream. */
export interface Attempt {
  /** `GET /repos/acme/web/contents/README.md` */
  request: string
  /** The HTTP status. */
  status: number
  /** `refused` only where upstream says that the credential itself is no good. */
  outcome: 'accepted' | 'refused' | 'unclear'
}

/** By the workload itself, at its deadline, or by an admin. */
export type Ending = 'completed' | 'expired' | 'revoked'

/** To show another provider, write its lifecycle and add it to `lifecyclesOf` in `walkthrough.ts`. */
export interface Lifecycle {
  provider: string
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
