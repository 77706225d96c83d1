/** Sessions: which run of a job, or which session of a cloud agent, a token speaks for. */
import { claimText } from './claims.ts'
import { platformAt, platforms } from './platforms.ts'
import type { Principal } from './principal.ts'

/** One session: an issuer, and what its claims say of it. A new run, or a re-run, is another. */
export interface Session {
  /** The token's `iss`. */
  readonly issuer: string
  /** By name, as texts; never empty. */
  readonly claims: Readonly<Record<string, string>>
}

/**
 * The session that the principal is of, by the claims that its issuer is configured or
 * known to name one with. Undefined where no claim does: all that can be told apart then are tokens.
 */
export function sessionOf(
  { iss: issuer, claims }: Principal,
  named: readonly string[] | undefined = platformAt(issuer)?.session,
): Session | undefined {
  const has = (name: string) => claimText(claims, name) !== undefined
  const names = named ?? platforms.find(({ marks }) => marks?.every(has))?.session ?? []
  return sessionBy(issuer, claims, names)
}

/** The token itself, where nothing tells more: another token is not kept out by it. */
export function tokenOf({ iss, claims }: Principal): Session | undefined {
  return sessionBy(iss, claims, ['jti']) ?? sessionBy(iss, claims, ['sub', 'iat', 'exp'])
}

function sessionBy(
  issuer: string,
  claims: Principal['claims'],
  names: readonly string[],
): Session | undefined {
  const said = names
    .map((name) => [name, claimText(claims, name)] as const)
    .filter((entry): entry is [string, string] => entry[1] !== undefined)
  return said.length === 0 ? undefined : { issuer, claims: Object.fromEntries(said) }
}
