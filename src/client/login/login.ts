/** Logging in at a broker's issuer, out again, and a fresh identity for each task in between. */
import { createHash } from 'node:crypto'
import { type Clock, systemClock } from '../../base/clock.ts'
import { errorOf } from '../../base/openid.ts'
import { NoIdentity } from '../no-identity.ts'
import { type BrokerFacts, knownBroker, type LoginIssuer } from './brokers.ts'
import type { Environment } from './files.ts'
import { logInWithBrowser, logInWithCode, type Step } from './flows.ts'
import { KeptLogin, type Login, loginCommand, type LoginKind, type Place } from './keep.ts'
import { idTokenOf, providerOf } from './provider.ts'
import { heard } from './refusal.ts'

export type { Step } from './flows.ts'

export interface LogIn {
  facts: BrokerFacts
  kind: LoginKind
  /** Of several issuers, the name of one. */
  issuer?: string | undefined
  /** By a code on any device; else in a browser on this machine. */
  device: boolean
  env: Environment
  signal: AbortSignal
  tell: (step: Step) => void
}

/** Who is logged in. Holds no token. */
export interface LoggedIn {
  kind: LoginKind
  issuer: string
  client: string
  subject: string
  email: string | undefined
  kept: Place
  /** Whether each task gets a fresh token without another login. */
  renewed: boolean
}

/** @throws NoIdentity, UnsafeFile */
export async function logIn({
  facts,
  kind,
  issuer: named,
  device,
  env,
  signal,
  tell,
}: LogIn): Promise<LoggedIn> {
  const issuer = chosen(facts, named)
  const provider = await providerOf(issuer, kind, env)
  // Before the next one: at some issuers the end of one is that of all of a person and a client.
  // One that cannot be read any more must not keep its owner from logging in.
  await logOut(facts.url, kind, env).catch(() => undefined)
  const tokens = await (device ? logInWithCode : logInWithBrowser)(provider, { signal, tell })
  const given = { issuer: issuer.issuer, client: provider.client, refresh: tokens.refresh_token }
  const kept = new KeptLogin(facts.url, kind, env)
  try {
    const { token, ...who } = idTokenOf(tokens, issuer, kind)
    const { refresh, ...where } = given
    const renewable = kind === 'workload' && refresh !== undefined
    const login: Login = { broker: facts.url, ...where, ...who, ...(renewable ? { refresh } : { token }) }
    const place = await kept.alone(() => kept.write(login))
    // Some issuers give an admin one unasked.
    if (!renewable) await revoke(facts.url, kind, given, env)
    return viewOf(kind, login, place)
  } catch (error) {
    await revoke(facts.url, kind, given, env)
    throw error
  }
}

/** Undefined where nobody is. @throws NoIdentity where the keychain does not say; UnsafeFile */
export async function whoIsLoggedIn(
  url: string,
  kind: LoginKind,
  env: Environment,
): Promise<LoggedIn | undefined> {
  const found = await new KeptLogin(url, kind, env).read()
  return found && viewOf(kind, found.login, found.place)
}

/**
 * Forgets the login, and has the issuer forget it. Undefined where nobody was logged in;
 * `revoked` is false where the issuer has no way to, or did not answer.
 *
 * @throws NoIdentity where the keychain does not give what it keeps: it would live on; UnsafeFile
 */
export async function logOut(
  url: string,
  kind: LoginKind,
  env: Environment,
): Promise<(LoggedIn & { revoked: boolean }) | undefined> {
  const kept = new KeptLogin(url, kind, env)
  if ((await kept.read()) === undefined) return undefined
  return await kept.alone(async () => {
    const found = await kept.read()
    await kept.remove()
    if (!found) return undefined
    const { login, place } = found
    return { ...viewOf(kind, login, place), revoked: await revoke(url, kind, login, env) }
  })
}

/** RFC 7009: a refresh token that is kept no longer would be good for whoever has a copy. */
async function revoke(
  url: string,
  kind: LoginKind,
  login: { issuer: string; client: string; refresh?: string | undefined },
  env: Environment,
): Promise<boolean> {
  const issuer = knownBroker(env, url)?.issuers.find((each) => each.issuer === login.issuer)
  if (login.refresh === undefined || !issuer) return login.refresh === undefined
  try {
    // By the client that it was given to, whatever the broker names by now.
    const client = kind === 'admin' ? { admin_client_id: login.client } : { client_id: login.client }
    const { openid, config } = await providerOf({ ...issuer, ...client }, kind, env)
    if (config.serverMetadata().revocation_endpoint === undefined) return false
    await openid.tokenRevocation(config, login.refresh, { token_type_hint: 'refresh_token' })
    return true
  } catch {
    // It is gone here, whatever becomes of it there.
    return false
  }
}

/**
 * An ID token to show to the broker at `url`, good for one task; undefined where nobody is logged
 * in there. An admin's is the same until it expires.
 *
 * @throws NoIdentity where the login has ended, or the keychain does not give it; UnsafeFile
 */
export async function loginToken(
  url: string,
  kind: LoginKind,
  env: Environment,
  clock: Clock = systemClock(),
): Promise<string | undefined> {
  const kept = new KeptLogin(url, kind, env, clock)
  if ((await kept.read()) === undefined) return undefined
  return await kept.alone(async () => {
    const found = await kept.read()
    if (!found) return undefined
    const { login } = found
    if (login.refresh === undefined) return await shownOnce(kept, kind, login, clock)
    const fresh = await renewed(kept, kind, { ...login, refresh: login.refresh }, env)
    if (fresh.again) {
      // The same token as before: an issuer that puts nothing of its own in each makes one a second.
      await new Promise<void>((resolve) => void clock.after(1100, resolve))
      return (await renewed(kept, kind, fresh.login, env)).token
    }
    return fresh.token
  })
}

/** A token that cannot be renewed: an admin's, as long as it is good, or one for one task. */
async function shownOnce(kept: KeptLogin, kind: LoginKind, login: Login, clock: Clock): Promise<string> {
  const { token = '' } = login
  const expires = expiryOf(token)
  const good = expires !== undefined && clock.now() < (expires - 30) * 1000
  if (kind === 'admin' && good) return token
  await kept.remove()
  if (good) return token
  throw ended(login, kind, 'is over')
}

async function renewed(
  kept: KeptLogin,
  kind: LoginKind,
  login: Login & { refresh: string },
  env: Environment,
): Promise<{ token: string; again: boolean; login: Login & { refresh: string } }> {
  const issuer = knownBroker(env, login.broker)?.issuers.find((each) => each.issuer === login.issuer)
  if (!issuer || issuer.client_id !== login.client) {
    await kept.remove()
    await revoke(login.broker, kind, login, env)
    throw ended(login, kind, 'is not one that the broker names any more')
  }
  const { openid, config, scope } = await providerOf(issuer, kind, env)
  let tokens
  try {
    tokens = await openid.refreshTokenGrant(config, login.refresh, { scope })
  } catch (error) {
    if (errorOf(error) !== 'invalid_grant') return await heard(issuer.issuer, Promise.reject(error as Error))
    await kept.remove()
    throw ended(login, kind, 'has ended')
  }
  const refresh = tokens.refresh_token ?? login.refresh
  // First what the next one needs: the old one is good for nothing by now.
  await kept.write({ ...login, refresh })
  const { token, ...who } = idTokenOf(tokens, issuer, kind)
  if (who.subject !== login.subject) {
    await kept.remove()
    await revoke(login.broker, kind, { ...login, refresh }, env)
    throw ended(login, kind, 'has become somebody else’s')
  }
  const shown = createHash('sha256')
    .update(token.slice(0, token.lastIndexOf('.')))
    .digest('hex')
  const next = { ...login, ...who, refresh, shown }
  await kept.write(next)
  return { token, again: shown === login.shown, login: next }
}

function ended({ issuer, broker, email, subject }: Login, kind: LoginKind, how: string): NoIdentity {
  return new NoIdentity(
    `the login of ${email ?? subject} at ${issuer} ${how}`,
    `Log in again: ${loginCommand(broker, kind)}`,
  )
}

/** @throws NoIdentity */
function chosen({ url, issuers }: BrokerFacts, named: string | undefined): LoginIssuer {
  const fitting = issuers.filter(({ name, issuer }) => named === undefined || [name, issuer].includes(named))
  const [issuer, another] = fitting
  const names = issuers.map(({ name }) => name).join(', ')
  if (!issuer)
    throw new NoIdentity(
      issuers.length === 0
        ? `the broker at ${url} names no issuer to log in with`
        : `the broker at ${url} names no issuer ${named}`,
      issuers.length === 0
        ? 'Have `login` written to an issuer of its configuration, then run `mayfly bootstrap` again.'
        : `Name one with --issuer: ${names}.`,
    )
  if (another)
    throw new NoIdentity(`the broker at ${url} names several issuers`, `Name one with --issuer: ${names}.`)
  return issuer
}

function viewOf(kind: LoginKind, { issuer, client, subject, email, refresh }: Login, kept: Place): LoggedIn {
  return { kind, issuer, client, subject, email, kept, renewed: refresh !== undefined }
}

/** In seconds. Whether to believe it is the broker's affair. */
function expiryOf(token: string): number | undefined {
  try {
    const { exp } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as {
      exp?: unknown
    }
    return typeof exp === 'number' ? exp : undefined
  } catch {
    return undefined
  }
}
