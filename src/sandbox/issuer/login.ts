/**
 * The issuer as an OpenID provider for public clients: authorization code with PKCE on a loopback
 * address (RFC 8252, RFC 7636, RFC 9207), device authorization (RFC 8628), refresh tokens that
 * are used once, and revocation (RFC 7009).
 */
import { createHash, randomBytes, randomInt } from 'node:crypto'
import type { Context, Hono } from 'hono'
import type { HttpBindings } from '@hono/node-server'
import type { Clock } from '../../base/clock.ts'
import { codePage, loginPage, messagePage } from './page.ts'

/** Somebody who can log in; there are no passwords in a sandbox. */
export interface Person {
  username: string
  /** Of their ID tokens. */
  claims: { sub: string; email: string } & Record<string, unknown>
}

export interface LoginSettings {
  people: Person[]
  /** Public clients by their `client_id`. */
  clients: string[]
  /** Seconds between two polls of a device (RFC 8628 §3.2). */
  interval: number
  /** What authorization answers carry as `iss` (RFC 9207); undefined: the truth. */
  answersAs?: string | undefined
  /** Whether refreshing gives an ID token; some issuers give none. */
  refreshesIdToken: boolean
}

export const defaultLogin = (): LoginSettings => ({
  people: [
    person('ada', ['engineering', 'security']),
    person('grace', ['engineering']),
    person('linus', ['engineering']),
  ],
  clients: ['mayfly', 'mayfly-admin'],
  interval: 1,
  refreshesIdToken: true,
})

function person(username: string, groups: string[]): Person {
  const email = `${username}@acme.dev`
  return { username, claims: { sub: username, email, email_verified: true, groups } }
}

/** One request for authorization, as the client made it. */
interface Asked {
  client: string
  scope: string
  nonce?: string | undefined
}

/** What a login gave: refresh tokens of one family replace each other. */
interface Family extends Asked {
  claims: Person['claims']
  /** The refresh token that is good; undefined where there is none, or the family has ended. */
  refresh?: string | undefined
}

interface Code {
  asked: Asked & { redirect: string; challenge: string }
  claims: Person['claims']
  until: number
  /** Set once it was redeemed. */
  family?: Family
}

interface Device {
  asked: Asked
  code: string
  until: number
  /** The last poll. */
  polled: number
  /** A slower pace that a poll too soon has earned. */
  interval: number
  claims?: Person['claims'] | 'refused'
}

/** RFC 6749 §3.1: what was sent without a value was not sent. */
const field = (form: Record<string, unknown>, name: string): string => {
  const value = form[name]
  return typeof value === 'string' ? value : ''
}

const secret = () => randomBytes(32).toString('base64url')
/** RFC 8628 §6.1: no vowels, so no words. */
const userCodeLetters = 'BCDFGHJKLMNPQRSTVWXZ'
const userCode = () => {
  const letters = Array.from({ length: 8 }, () => userCodeLetters[randomInt(userCodeLetters.length)])
  return `${letters.slice(0, 4).join('')}-${letters.slice(4).join('')}`
}

/** RFC 8252 §7.3: whatever port the client found free; and a broker's console on this machine. */
const loopback = /^http:\/\/(127\.0\.0\.1|\[::1\]):\d{1,5}(\/console)?\/callback$/

const codeLifeMs = 60_000
const deviceLifeS = 600

type Token = (claims: Record<string, unknown>) => Promise<string>

/** Adds the endpoints, and says what of them discovery is to name. */
export function loginRoutes(
  app: Hono<{ Bindings: HttpBindings }>,
  { url, clock, settings, token }: { url: string; clock: Clock; settings: LoginSettings; token: Token },
): Record<string, unknown> {
  const waiting = new Map<string, Code['asked'] & { state: string }>()
  const codes = new Map<string, Code>()
  const devices = new Map<string, Device>()
  const families = new Map<string, Family>()

  const known = (username: unknown) => settings.people.find((each) => each.username === username)
  const oauthError = (c: Context, error: string, status: 400 | 401 = 400) =>
    c.json({ error }, status, { 'Cache-Control': 'no-store' })

  app.get('/authorize', (c) => {
    const query = new URL(c.req.url).searchParams
    const one = (name: string) => (query.getAll(name).length === 1 ? query.get(name)! : '')
    const [client, redirect, state] = [one('client_id'), one('redirect_uri'), one('state')]
    // RFC 6749 §4.1.2.1: where it is not known whose page it is, nobody is sent there.
    if (!settings.clients.includes(client) || !loopback.test(redirect))
      return c.html(messagePage('Refused', 'This client, or the page to return to, is not registered.'), 400)
    const sound =
      one('response_type') === 'code' &&
      one('code_challenge_method') === 'S256' &&
      /^[\w-]{43}$/.test(one('code_challenge')) &&
      one('scope').split(' ').includes('openid') &&
      state !== ''
    if (!sound) return c.redirect(answerTo(redirect, { error: 'invalid_request', state }), 303)
    const id = secret()
    const nonce = one('nonce') || undefined
    waiting.set(id, { client, redirect, state, nonce, scope: one('scope'), challenge: one('code_challenge') })
    return c.html(loginPage(client, people(), { action: '/authorize', hidden: { request: id } }))
  })

  app.post('/authorize', async (c) => {
    const form = await c.req.parseBody()
    const asked = waiting.get(field(form, 'request'))
    if (!asked) return c.html(messagePage('Refused', 'This login was answered before.'), 400)
    waiting.delete(field(form, 'request'))
    const { state, ...request } = asked
    const who = known(form['username'])
    if (!who) return c.redirect(answerTo(asked.redirect, { error: 'access_denied', state }), 303)
    const code = secret()
    codes.set(code, { asked: request, claims: who.claims, until: clock.now() + codeLifeMs })
    return c.redirect(answerTo(asked.redirect, { code, state }), 303)
  })

  app.post('/device_authorization', async (c) => {
    const form = await c.req.parseBody()
    const client = field(form, 'client_id')
    if (!settings.clients.includes(client)) return oauthError(c, 'invalid_client', 401)
    const scope = typeof form['scope'] === 'string' ? form['scope'] : ''
    const [id, code] = [secret(), userCode()]
    const until = clock.now() + deviceLifeS * 1000
    devices.set(id, { asked: { client, scope }, code, until, polled: 0, interval: settings.interval })
    return c.json({
      device_code: id,
      user_code: code,
      verification_uri: `${url}/device`,
      verification_uri_complete: `${url}/device?user_code=${code}`,
      expires_in: deviceLifeS,
      interval: settings.interval,
    })
  })

  app.get('/device', (c) => {
    const code = c.req.query('user_code')
    if (code === undefined) return c.html(codePage('/device'))
    const device = deviceOf(code)
    if (!device) return c.html(codePage('/device', code, true), 400)
    const { client } = device.asked
    return c.html(loginPage(client, people(), { action: '/device', hidden: { user_code: device.code } }))
  })

  app.post('/device', async (c) => {
    const form = await c.req.parseBody()
    const device = deviceOf(field(form, 'user_code'))
    if (!device) return c.html(codePage('/device', '', true), 400)
    device.claims = known(form['username'])?.claims ?? 'refused'
    return c.html(messagePage('Done', 'You can close this window and go back to your device.'))
  })

  app.post('/token', async (c) => {
    const form = await c.req.parseBody()
    const client = field(form, 'client_id')
    if (!settings.clients.includes(client)) return oauthError(c, 'invalid_client', 401)
    switch (form['grant_type']) {
      case 'authorization_code':
        return await redeem(c, client, form)
      case 'urn:ietf:params:oauth:grant-type:device_code':
        return await poll(c, client, field(form, 'device_code'))
      case 'refresh_token':
        return await refresh(c, client, field(form, 'refresh_token'))
      default:
        return oauthError(c, 'unsupported_grant_type')
    }
  })

  app.post('/revoke', async (c) => {
    const form = await c.req.parseBody()
    const family = families.get(field(form, 'token'))
    if (family && family.client === form['client_id']) family.refresh = undefined
    return c.body(null, 200)
  })

  return {
    authorization_endpoint: `${url}/authorize`,
    token_endpoint: `${url}/token`,
    device_authorization_endpoint: `${url}/device_authorization`,
    revocation_endpoint: `${url}/revoke`,
    response_types_supported: ['code'],
    grant_types_supported: [
      'authorization_code',
      'refresh_token',
      'urn:ietf:params:oauth:grant-type:device_code',
    ],
    code_challenge_methods_supported: ['S256'],
    token_endpoint_auth_methods_supported: ['none'],
    scopes_supported: ['openid', 'email', 'offline_access'],
    authorization_response_iss_parameter_supported: true,
  }

  function people() {
    return settings.people.map(({ username, claims }) => ({ username, email: claims.email }))
  }

  function answerTo(redirect: string, parameters: Record<string, string>): string {
    const to = new URL(redirect)
    for (const [name, value] of Object.entries({ ...parameters, iss: settings.answersAs ?? url }))
      to.searchParams.set(name, value)
    return to.href
  }

  /** RFC 8628 §6.1: in whatever letters, with or without the dash. */
  function deviceOf(typed: string): Device | undefined {
    const plain = (code: string) => code.toUpperCase().replaceAll(/[^A-Z]/g, '')
    return [...devices.values()].find(
      ({ code, claims, until }) =>
        plain(code) === plain(typed) && claims === undefined && clock.now() < until,
    )
  }

  async function redeem(c: Context, client: string, form: Record<string, unknown>): Promise<Response> {
    const code = codes.get(field(form, 'code'))
    if (!code) return oauthError(c, 'invalid_grant')
    if (code.family) {
      // RFC 6749 §4.1.2: what was given for it may have gone to somebody else.
      code.family.refresh = undefined
      return oauthError(c, 'invalid_grant')
    }
    const { asked, claims, until } = code
    const verifier = createHash('sha256').update(field(form, 'code_verifier')).digest('base64url')
    const theirs =
      asked.client === client && asked.redirect === form['redirect_uri'] && verifier === asked.challenge
    if (!theirs || clock.now() >= until) return oauthError(c, 'invalid_grant')
    code.family = { ...asked, claims }
    return await answer(c, code.family, true)
  }

  async function poll(c: Context, client: string, id: string): Promise<Response> {
    const device = devices.get(id)
    if (!device || device.asked.client !== client) return oauthError(c, 'invalid_grant')
    const now = clock.now()
    if (now >= device.until) return oauthError(c, 'expired_token')
    // A poll that is a little early is the clock's doing.
    const tooSoon = device.polled > 0 && now - device.polled < device.interval * 1000 - 100
    device.polled = now
    if (tooSoon) {
      device.interval += 5
      return oauthError(c, 'slow_down')
    }
    if (device.claims === undefined) return oauthError(c, 'authorization_pending')
    devices.delete(id)
    if (device.claims === 'refused') return oauthError(c, 'access_denied')
    return await answer(c, { ...device.asked, claims: device.claims }, true)
  }

  async function refresh(c: Context, client: string, given: string): Promise<Response> {
    const family = families.get(given)
    if (!family || family.client !== client) return oauthError(c, 'invalid_grant')
    if (family.refresh !== given) {
      // RFC 9700 §4.14.2: one of the two who have it is a thief, and there is no telling which.
      family.refresh = undefined
      return oauthError(c, 'invalid_grant')
    }
    return await answer(c, family, settings.refreshesIdToken)
  }

  async function answer(c: Context, family: Family, withIdToken: boolean): Promise<Response> {
    const { client, scope, nonce, claims } = family
    family.refresh = undefined
    if (scope.split(' ').includes('offline_access')) {
      family.refresh = secret()
      families.set(family.refresh, family)
    }
    return c.json(
      {
        access_token: secret(),
        token_type: 'Bearer',
        expires_in: 300,
        scope,
        ...(family.refresh !== undefined && { refresh_token: family.refresh }),
        ...(withIdToken && {
          id_token: await token({ aud: client, ...claims, ...(nonce !== undefined && { nonce }) }),
        }),
      },
      200,
      { 'Cache-Control': 'no-store' },
    )
  }
}
