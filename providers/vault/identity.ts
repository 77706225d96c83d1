/** Who the broker is to Vault. */
import { z } from 'zod'
import { withinLimit } from '../../src/base/clock.ts'
import { abandoned, garbage, ofOwnToken, passing } from '../../src/provider/answers.ts'
import { NotRunning } from '../../src/provider/services.ts'
import type { ConnectionContext } from '../../src/provider/upstream.ts'
import { untilHeard } from './behind.ts'
import type { Send } from './client.ts'
import type { VaultConfig } from './config.ts'
import { tokenText } from './handle.ts'
import { refusal, saysInvalid, saysUnknownToken } from './refusal.ts'

interface Identity {
  /** A token to call with. @throws ProviderError */
  current(signal: AbortSignal): Promise<string>
  /** Another one in place of `refused`, if there may be one. @throws ProviderError */
  instead?(refused: string, signal: AbortSignal): Promise<string | undefined>
}

/**
 * Requests with the broker's own token. A 403 may mean that the token died before
 * its time: then, once, another one is tried, of which nodes that are behind may not have heard.
 *
 * @throws Error when the configured token cannot be read.
 */
export function asBroker(
  config: VaultConfig,
  as: (token: string | undefined) => Send,
  context: ConnectionContext,
): Send {
  const { auth, address } = config
  const { clock } = context
  const identity =
    'token' in auth
      ? givenToken(() => context.secret(auth.token))
      : loggingIn(auth.jwt, address, as(undefined), context)
  return async (verb, path, call) => {
    const token = await identity.current(call.signal)
    const answer = await as(token)(verb, path, call)
    if (answer.status !== 403 || saysInvalid('accessor', answer)) return answer
    const other = await identity.instead?.(token, call.signal)
    if (other === undefined) return answer
    return await untilHeard({ clock, behind: saysUnknownToken }, () => as(other)(verb, path, call))
  }
}

/** A token from outside, read for each request: whoever put it there may replace it. */
function givenToken(read: () => string): Identity {
  const token = () => {
    if (tokenText.safeParse(read()).success) return read()
    throw new Error('the token is not one that can be sent in a header')
  }
  token()
  return {
    async current() {
      try {
        return token()
      } catch {
        throw passing('the token for Vault cannot be read')
      }
    },
  }
}

const answered = z.object({
  auth: z.object({ client_token: tokenText, lease_duration: z.int().nonnegative().nullish() }),
})

interface Login {
  token: string
  /** Milliseconds since 1970. */
  freshUntil: number
}

/** Of a login's life; then the next one is due, so that no request meets its end. */
const usedFor = 0.8
/** What one login may take. */
const loginLimitMs = 10_000
/**
 * The time in which one login is replaced for a 403. What is refused again may
 * not be done, and would otherwise leave a token at Vault with each refusal.
 */
const replacedOnceInMs = 10_000

/**
 * Logs in with a JWT of the broker's own, whose audience is Vault's address, so that
 * there is no secret to keep. Requests that need a login share one.
 */
function loggingIn(
  { mount, role }: { mount: string; role: string },
  address: string,
  send: Send,
  { clock, sign }: ConnectionContext,
): Identity {
  let login: Login | undefined
  let underWay: Promise<Login> | undefined
  let replacedAt = -Infinity

  const logIn = (signal: AbortSignal): Promise<Login> => {
    underWay ??= withinLimit(clock, loginLimitMs, async (limit) => {
      const jwt = await sign(address).catch((error: unknown) => {
        throw passing('the JWT for Vault could not be signed', { ofOwnToken: error instanceof NotRunning })
      })
      const at = clock.now()
      const answer = await send('write', `auth/${mount}/login`, {
        body: { role, jwt },
        signal: limit,
        // It may leave a login behind, but no credential.
        acts: false,
      })
      if (answer.status !== 200) {
        const error = refusal(answer, loginMeanings, false)
        // Where it cannot read the broker's keys, it says the same as of any other token that it does not take.
        throw error.kind === 'rejected' && answer.status === 400 ? ofOwnToken(error) : error
      }
      const parsed = answered.safeParse(answer.body)
      if (!parsed.success) throw garbage('Vault', false)
      const { client_token: token, lease_duration: life } = parsed.data.auth
      login = { token, freshUntil: life ? at + life * 1000 * usedFor : Infinity }
      return login
    }).finally(() => {
      underWay = undefined
    })
    return orAbort(underWay, signal)
  }

  return {
    async current(signal) {
      if (signal.aborted) throw abandoned('Vault', signal, false)
      return (login && clock.now() < login.freshUntil ? login : await logIn(signal)).token
    },
    async instead(refused, signal) {
      // Another request has met the same end, and logged in already.
      if (login && login.token !== refused) return login.token
      if (underWay === undefined && clock.now() < replacedAt + replacedOnceInMs) return undefined
      const { token } = await logIn(signal)
      replacedAt = clock.now()
      return token
    },
  }
}

const loginMeanings = {
  400: "the login is refused: does its JWT auth know this broker's keys, issuer and audience, and the role?",
  403: 'the login is refused',
  404: 'there is no such JWT auth mount',
}

/** One caller's giving up must not end the login that others wait for. */
function orAbort<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = () => reject(abandoned('Vault', signal, false))
    signal.addEventListener('abort', stop, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}
