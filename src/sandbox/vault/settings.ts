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

/** `aws/roles/NAME`. */
export interface AwsRole {
  credentialType: 'iam_user' | 'assumed_role' | 'federation_token'
  /** Seconds that a session lives which nobody asked shorter or longer. */
  defaultStsTtl: number
}

/** `kubernetes/roles/NAME`: tokens of an account that is there already, or '' for an account made for each. */
export interface KubernetesRole {
  serviceAccountName: string
}

/** How the node that answers is behind the one that writes. */
export interface Standby {
  /** Milliseconds until it has heard of a change; 0: it is the one that writes. */
  lag: number
  /** How it answers to a token that it has not heard of ("Eventual consistency": 412 since Vault 1.10). */
  answers: 412 | 403
  /** Whether it says how far it has come, and answers nobody who is further. */
  tellsIndex: boolean
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
  awsRoles: Record<string, AwsRole>
  kubernetesRoles: Record<string, KubernetesRole>
  standby: Standby
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
        'sys/policies/acl/+': ['read'],
        'aws/roles/+': ['read'],
        'kubernetes/roles/+': ['read'],
      },
      'db-readonly': { 'database/creds/readonly': ['read'] },
      'ci-read': { 'secret/data/ci/*': ['read'] },
      'ci-write': { 'secret/data/ci/*': ['create', 'update', 'read'] },
      'kv-read': { 'kv/*': ['read'] },
      'aws-deploy': { 'aws/creds/*': ['read'], 'aws/sts/*': ['read'] },
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
    awsRoles: {
      user: { credentialType: 'iam_user', defaultStsTtl: 3600 },
      session: { credentialType: 'assumed_role', defaultStsTtl: 3600 },
      federated: { credentialType: 'federation_token', defaultStsTtl: 3600 },
    },
    kubernetesRoles: { existing: { serviceAccountName: 'deployer' }, made: { serviceAccountName: '' } },
    standby: { lag: 0, answers: 412, tellsIndex: false },
    secrets: { 'kv/ci': { password: 'kept for ever' }, 'secret/data/ci/npm': { token: 'kept for ever' } },
    defaultLeaseTtl: month,
    maxLeaseTtl: month,
    revocationDelay: 1_000,
  }
}
