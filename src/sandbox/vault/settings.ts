/** What an ACL rule lets be done at its paths. */
export type Capability = 'create' | 'read' | 'update' | 'delete' | 'list' | 'sudo' | 'deny'

/** Capabilities by path: a closing `*` stands for any rest, a segment `+` for any one segment. */
export type Policy = Record<string, Capability[]>

/** `auth/token/roles/NAME`. */
export interface TokenRole {
  orphan: boolean
  /** None: whatever its user has. */
  allowedPolicies: string[]
  tokenType: 'service' | 'batch'
}

/** `auth/jwt/role/NAME`. */
export interface JwtRole {
  boundAudiences: string[]
  /** `sub`, if it is bound. */
  boundSubject?: string
  tokenPolicies: string[]
  /** Seconds. */
  tokenTtl: number
}

/** May be changed at any time. */
export interface VaultSettings {
  /** Where all this stands; every request has to name it. '' is the root namespace. */
  namespace: string
  /** By name; `default` is built in. */
  policies: Record<string, Policy>
  /** Of the token that the broker may be given. */
  brokerPolicies: string[]
  tokenRoles: Record<string, TokenRole>
  jwt: {
    jwksUrl: string
    /** `iss`, if it is bound. */
    boundIssuer?: string
    roles: Record<string, JwtRole>
    /** What the identity has that a login becomes: attached by Vault's identity engine, not by the role. */
    identityPolicies: string[]
  }
  /** `database/roles/NAME`: seconds that its users live. */
  databaseRoles: Record<string, { defaultTtl: number }>
  /** Then no user can be made or dropped. */
  databaseDown: boolean
  /** Key-value secrets, by path: version 1 below `kv/`, version 2 below `secret/data/`. */
  secrets: Record<string, Record<string, string>>
  /** Seconds. */
  defaultLeaseTtl: number
  maxLeaseTtl: number
  /** Milliseconds until the leases of a revoked token are worked off the queue. */
  revocationDelay: number
}

/** Seconds: "the default is 768h" (`default_lease_ttl`, `max_lease_ttl`). */
const month = 768 * 3600

export function defaultSettings(): VaultSettings {
  return {
    namespace: '',
    policies: {
      broker: {
        'auth/token/create-orphan': ['update', 'sudo'],
        'auth/token/create/+': ['update'],
        'auth/token/revoke-accessor': ['update'],
        'auth/token/lookup-accessor': ['update'],
        'auth/token/accessors': ['list', 'sudo'],
        'sys/leases/revoke': ['update'],
        'sys/leases/lookup': ['update'],
        'sys/capabilities-self': ['update'],
        'auth/token/roles/+': ['read'],
      },
      'db-readonly': { 'database/creds/readonly': ['read'] },
      'ci-read': { 'secret/data/ci/*': ['read'] },
      'ci-write': { 'secret/data/ci/*': ['create', 'update', 'read'] },
      'kv-read': { 'kv/*': ['read'] },
    },
    brokerPolicies: ['broker'],
    tokenRoles: {
      mayfly: { orphan: true, allowedPolicies: ['db-readonly', 'ci-read', 'ci-write'], tokenType: 'service' },
    },
    jwt: {
      jwksUrl: '',
      roles: {
        mayfly: { boundAudiences: [], boundSubject: 'mayfly', tokenPolicies: ['broker'], tokenTtl: 900 },
      },
      identityPolicies: [],
    },
    databaseRoles: { readonly: { defaultTtl: 3600 } },
    databaseDown: false,
    secrets: { 'kv/ci': { password: 'kept for ever' }, 'secret/data/ci/npm': { token: 'kept for ever' } },
    defaultLeaseTtl: month,
    maxLeaseTtl: month,
    revocationDelay: 1_000,
  }
}
