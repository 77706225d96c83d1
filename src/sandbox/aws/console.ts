/** The federation endpoint: a session's credentials become a console session ("Enable custom identity broker access to the AWS console"). */
import type { HttpBindings } from '@hono/node-server'
import { randomBytes } from 'node:crypto'
import { Hono } from 'hono'
import { z } from 'zod'
import type { Clock } from '../../base/clock.ts'
import type { Caller, Keys } from './keys.ts'
import type { AwsCredential } from './sign.ts'

const session = z.strictObject({ sessionId: z.string(), sessionKey: z.string(), sessionToken: z.string() })

/** Seconds: of a console session, and "the sign-in token is valid for 15 minutes". */
const [shortest, longest, tokenLife] = [900, 43_200, 900]

/**
 * No permission guards it: also who is denied everything gets a token, for as long
 * as the credentials live. `login` answers with what the browser would hold, so
 * that it can be tried like any other credential.
 */
export function consoleRoutes(keys: Keys, clock: Clock): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>()
  const tokens = new Map<string, { caller: Caller; duration: number; until: number }>()

  const callerOf = (text: string): Caller | undefined => {
    const { success, data } = session.safeParse(jsonOf(text))
    const caller = success ? keys.find(data.sessionId) : undefined
    const genuine =
      caller?.role !== undefined &&
      caller.secretAccessKey === data?.sessionKey &&
      caller.sessionToken === data.sessionToken &&
      caller.expiresAt! > clock.now()
    return genuine ? caller : undefined
  }

  app.get('/federation', (c) => {
    const { Action, Session = '', SessionDuration, SigninToken = '' } = c.req.query()
    if (Action === 'getSigninToken') {
      const caller = callerOf(Session)
      if (!caller) return c.text('Invalid session', 400)
      // "the session defaults to the duration of the credentials"
      const own = (caller.expiresAt! - caller.issuedAt!) / 1000
      const duration = SessionDuration === undefined ? own : Number(SessionDuration)
      // "Do not use the SessionDuration parameter if you got the credentials by role chaining: the operation fails."
      const allowed = SessionDuration === undefined || !caller.chained
      if (!allowed || !(duration >= shortest && duration <= longest)) return c.text('Invalid duration', 400)
      const token = randomBytes(32).toString('base64url')
      tokens.set(token, { caller, duration, until: clock.now() + tokenLife * 1000 })
      return c.json({ SigninToken: token })
    }
    const known = tokens.get(SigninToken)
    if (Action !== 'login' || !known || known.until <= clock.now()) return c.text('Invalid token', 400)
    tokens.delete(SigninToken)
    const { caller, duration } = known
    const { role, arn, userId, issuedAt, sessionPolicy, chained = false } = caller
    const scope = { console: caller.accessKeyId }
    const made = keys.mint({
      role: role!,
      arn,
      userId,
      // By role chaining no console session outlives the hour of its credentials.
      duration: chained ? (caller.expiresAt! - clock.now()) / 1000 : duration,
      issuedAt,
      sessionPolicy,
      chained,
      scope,
    })
    return c.json({
      access_key_id: made.accessKeyId,
      secret_access_key: made.secretAccessKey,
      session_token: made.sessionToken,
    } satisfies AwsCredential)
  })
  return app
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
