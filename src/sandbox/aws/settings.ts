import type { Statement } from './policy.ts'

/** A role of the account, and who may take it on. */
export interface AwsRole {
  name: string
  /** With slashes at both ends. */
  path: string
  /** Seconds, 3600 to 43200. */
  maxSessionDuration: number
  /** What it may do by its managed policies, which do not count towards the quota of inline ones. */
  permissions: Statement[]
  /** Its trust policy. */
  trust: {
    /** Whether the account's principals may assume it, and with what external id. */
    account: boolean
    externalId?: string
    /** Whether that includes `sts:SetSourceIdentity` and `sts:TagSession`, which a trust policy names separately. */
    setSourceIdentity: boolean
    tagSession: boolean
    /** Tokens by which an outsider may assume it. */
    webIdentity?: { issuer: string; audience: string; subject?: string }
  }
}

/** May be changed at any time; a role by its name, which stays with its unique id. */
export interface AwsSettings {
  account: string
  /** Where its endpoints are: requests are signed for one of them. */
  regions: [string, ...string[]]
  roles: AwsRole[]
  /** What the broker's own user may do. */
  userPermissions: Statement[]
  /** The organization's service control policies: what they deny, nobody in the account may do. */
  serviceControl: Statement[]
  /** Milliseconds after which a session is over, however long was asked: what AWS makes lives for at least 15 minutes. */
  sessionLife: number
  /** Milliseconds until a change of a policy is in force for requests; AWS names no figure. */
  propagation: number
  /** Milliseconds for which no endpoint has heard of a new session; AWS names no figure. */
  unheardFor: number
  /** Milliseconds for which IAM itself still shows a policy as it was before a change. */
  staleReads: number
  /** Non-blank characters of all inline policies of one role ("IAM and AWS STS quotas"). */
  inlineQuota: number
  /** Makes AssumeRole answer otherwise than what it has done. */
  rewrite?: ((answer: Record<string, unknown>) => Record<string, unknown>) | undefined
}

const trust = () => ({ account: true, setSourceIdentity: true, tagSession: true })
const anything: Statement = { Effect: 'Allow', Action: '*', Resource: '*' }

export function defaultSettings(): AwsSettings {
  return {
    account: '123456789012',
    regions: ['eu-west-1', 'us-east-1'],
    roles: [
      { name: 'deployer', path: '/', maxSessionDuration: 3600, permissions: [anything], trust: trust() },
      {
        name: 'reader',
        path: '/teams/web/',
        maxSessionDuration: 7200,
        permissions: [{ Effect: 'Allow', Action: ['s3:Get*', 's3:List*'], Resource: '*' }],
        trust: { ...trust(), externalId: 'acme-42' },
      },
    ],
    userPermissions: [anything],
    serviceControl: [],
    sessionLife: Infinity,
    propagation: 0,
    unheardFor: 0,
    staleReads: 0,
    inlineQuota: 10_240,
  }
}
