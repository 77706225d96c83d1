import { sha256 } from '../base/sha256.ts'

declare const verified: unique symbol

/**
 * Who asks, as their issuer vouches for it. `verify` makes one from a token and
 * `recordedPrincipal` reads one back; nothing else may, so that holding a
 * Principal is proof that a signature was checked.
 */
export interface Principal {
  readonly [verified]: true
  /** The issuer's name in the configuration. */
  readonly issuer: string
  /** The token's `iss`, exactly. */
  readonly iss: string
  /** The token's `sub`. */
  readonly subject: string
  /** Every claim of the token, the registered ones too. */
  readonly claims: Readonly<Record<string, unknown>>
}

/**
 * A principal read back from the store, where it was recorded when its token was
 * verified. For rows of the store only: data from anywhere else was never verified.
 */
export function recordedPrincipal(data: {
  issuer: string
  iss: string
  subject: string
  claims: Record<string, unknown>
}): Principal {
  return data as unknown as Principal
}

/**
 * Who a token would be if it verified. For tools that explain and grant nothing: its
 * signature has not been looked at.
 */
export function claimedPrincipal(issuer: string, claims: Record<string, unknown>): Principal {
  const { iss, sub } = claims
  const text = (claim: unknown) => (typeof claim === 'string' ? claim : '')
  return { issuer, iss: text(iss), subject: text(sub), claims } as unknown as Principal
}

/** One workload, whichever agent it acts as: the same for all tokens of one subject of one issuer. Hex. */
export function identityOf({ iss, subject }: Pick<Principal, 'iss' | 'subject'>): string {
  return sha256(JSON.stringify([iss, subject]))
}
