/** Which of the requests to Vault a fault is to strike, and how its ledger is read. */
import type { RequestLine } from '../../src/sandbox/faults.ts'
import type { Ledger } from '../../src/sandbox/ledger.ts'
import type { SandboxVault } from '../../src/sandbox/vault.ts'

const to =
  (method: string, pattern: RegExp) =>
  ({ method: used, path }: RequestLine) =>
    used === method && pattern.test(path)
export const mints = to('POST', /^\/v1\/auth\/token\/create/)
export const reads = to('GET', /^\/v1\/database\/creds\//)
export const revokes = to('POST', /^\/v1\/auth\/token\/revoke-accessor$/)
export const endsLease = to('POST', /^\/v1\/sys\/leases\/revoke$/)
export const logsIn = to('POST', /^\/v1\/auth\/jwt\/login$/)
export const lists = to('GET', /^\/v1\/auth\/token\/accessors$/)
export const looksUp = to('POST', /^\/v1\/auth\/token\/lookup-accessor$/)
export const looksUpLease = to('POST', /^\/v1\/sys\/leases\/lookup$/)

/** A token that has read a secret was but the means to it: the two count as one. */
export function withoutMeans(ledger: Ledger): Ledger {
  return {
    ...ledger,
    alive(at) {
      const alive = ledger.alive(at)
      const used = new Set(alive.map(({ scope }) => (scope as { accessor?: string }).accessor))
      return alive.filter(
        ({ fingerprint, scope }) => 'accessor' in (scope as object) || !used.has(fingerprint),
      )
    },
  }
}

/**
 * The connection `main` to this Vault, as `mayfly.yaml` writes it, but for what
 * `declared` says; makes it trust the broker on `port`, which then needs no secret.
 */
export function trustingVault(
  { url, settings }: Pick<SandboxVault, 'url' | 'settings'>,
  port: number,
  declared: { paths?: object[]; policies?: object[] },
) {
  const issuer = `http://127.0.0.1:${port}`
  settings.jwt.jwksUrl = `${issuer}/.well-known/jwks.json`
  settings.jwt.boundIssuer = issuer
  settings.jwt.roles['mayfly']!.boundAudiences = [url]
  return { name: 'main', address: url, auth: { jwt: { mount: 'jwt', role: 'mayfly' } }, ...declared }
}
