/** Who can sign: the broker's own user, and every session that STS has made. */
import { randomBytes } from 'node:crypto'
import type { Clock } from '../../base/clock.ts'
import type { Ledger, LedgerEntry } from '../ledger.ts'
import type { Statement } from './policy.ts'
import type { AwsRole, AwsSettings } from './settings.ts'

/** A key pair, and whoever signs with it. Times in milliseconds since 1970. */
export interface Caller {
  accessKeyId: string
  secretAccessKey: string
  arn: string
  /** `aws:userid` */
  userId: string
  /** The rest is a session's alone. */
  sessionToken?: string
  issuedAt?: number
  expiresAt?: number
  role?: AwsRole
  sessionPolicy?: Statement[]
  /** Whether a session made it ("role chaining"). */
  chained?: boolean
  entry?: LedgerEntry
}

/** What makes a session. */
export interface SessionGrant {
  role: AwsRole
  arn: string
  userId: string
  /** Seconds. */
  duration: number
  /** Of the session that it goes on as, milliseconds since 1970; default now. */
  issuedAt?: number | undefined
  sessionPolicy: Statement[] | undefined
  chained: boolean
  /** For the ledger. */
  scope: Record<string, unknown>
}

export interface Keys {
  /** The user that the broker is, unless it comes with a token of its own. */
  user: Caller
  find(accessKeyId: string): Caller | undefined
  mint(grant: SessionGrant): Required<Pick<Caller, 'sessionToken' | 'expiresAt'>> & Caller
  /** The sessions of a role that have not expired. */
  sessions(role: AwsRole): Caller[]
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
const random = (length: number) => [...randomBytes(length)].map((byte) => alphabet[byte % 32]).join('')

/** "IAM identifiers", unique IDs: what a role's begin with, and as long as those that AWS gives out. */
export const newRoleId = () => `AROA${random(17)}`

export function createKeys(settings: AwsSettings, clock: Clock, ledger: Ledger): Keys {
  const user: Caller = {
    accessKeyId: `AKIA${random(16)}`,
    secretAccessKey: randomBytes(30).toString('base64'),
    arn: `arn:aws:iam::${settings.account}:user/mayfly`,
    userId: `AIDA${random(17)}`,
  }
  const callers = new Map([[user.accessKeyId, user]])
  return {
    user,
    find: (accessKeyId) => callers.get(accessKeyId),
    mint({ role, arn, userId, duration, sessionPolicy, chained, scope, ...given }) {
      // Times of AWS are whole seconds.
      const now = Math.floor(clock.now() / 1000) * 1000
      const { issuedAt = now } = given
      // As AWS's begin, in what is base64 of `origin_ec`.
      const sessionToken = `IQoJb3JpZ2luX2Vj${randomBytes(240).toString('base64')}`
      const session = {
        accessKeyId: `ASIA${random(16)}`,
        secretAccessKey: randomBytes(30).toString('base64'),
        arn,
        userId,
        sessionToken,
        issuedAt,
        expiresAt: now + Math.min(duration * 1000, settings.sessionLife),
        role,
        chained,
        ...(sessionPolicy && { sessionPolicy }),
      }
      const entry = ledger.record({
        provider: 'aws',
        secret: sessionToken,
        // CloudTrail's `accessKeyId`.
        fingerprint: session.accessKeyId,
        mintedAt: clock.now(),
        expiresAt: session.expiresAt,
        scope,
      })
      callers.set(session.accessKeyId, { ...session, entry })
      return { ...session, entry }
    },
    sessions: (role) =>
      [...callers.values()].filter(
        (caller) => caller.role?.name === role.name && (caller.expiresAt ?? 0) > clock.now(),
      ),
  }
}
