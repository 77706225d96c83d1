/** A session of a role: what STS answers, and what is kept of it. */
import { z } from 'zod'
import { refused } from '../../src/provider/answers.ts'
import type { Handle } from '../../src/provider/upstream.ts'
import { roleArn } from './arn.ts'

/** STS API reference, Credentials. All three go into headers, so nothing in them may end one. */
export const credentialsAnswer = z.object({
  AccessKeyId: z.string().regex(/^[\x21-\x7e]{1,128}$/),
  SecretAccessKey: z.string().regex(/^[\x21-\x7e]{1,256}$/),
  SessionToken: z.string().regex(/^[\x21-\x7e]{1,8192}$/),
  Expiration: z.date(),
})

/** `aws:userid` of a session: the role's unique id, which holds no wildcard, and the session's name. */
export const userIdForm = /^[\w-]+:(?<session>[\w+=,.@-]{2,64})$/

/** What revoking a session takes, and nothing that could use it. Times in milliseconds since 1970. */
export interface Session {
  role: string
  /** `aws:userid` in each of its requests: the role's unique id and the session's name, `AROA…:lease_…`. */
  userId: string
  /** AWS's time, to the second. */
  issuedAt: number
  /** By our clock: from when on nothing can act under its name any more, neither itself nor a console session made with it. */
  standsUntil: number
}

const handle = z.strictObject({
  role: roleArn,
  assumed_role_id: z.string().regex(userIdForm),
  issued_at: z.int(),
  expires_at: z.int(),
})

export function toHandle({ role, userId, issuedAt, standsUntil }: Session): Handle {
  return { role, assumed_role_id: userId, issued_at: issuedAt, expires_at: standsUntil }
}

/** @throws ProviderError `rejected` for a handle that no mint gave out. */
export function toSession(stored: Handle): Session {
  const parsed = handle.safeParse(stored)
  if (!parsed.success) throw refused('the stored handle names no session')
  const { role, assumed_role_id, issued_at, expires_at } = parsed.data
  return { role, userId: assumed_role_id, issuedAt: issued_at, standsUntil: expires_at }
}
