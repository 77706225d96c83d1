/** Where the OIDC token of a workload, or of whoever is logged in, comes from. */
import { readFile } from 'node:fs/promises'
import { type Clock, systemClock, withinLimit } from '../base/clock.ts'
import { networkFault } from '../outbound/network-fault.ts'
import { bearer } from './bearer.ts'
import { NoIdentity } from './no-identity.ts'
import { retry } from './retry.ts'
import { taskFromEnvironment } from './task-environment.ts'

export { NoIdentity } from './no-identity.ts'

export interface IdentitySources {
  env: Record<string, string | undefined>
  /** A file that holds the token; comes before everything in `env`. */
  tokenFile?: string | undefined
  /** What a token made on demand is to be for: the broker's url. */
  audience: string
  /** The broker's url, where somebody may be logged in. */
  broker?: string | undefined
  fetch?: typeof globalThis.fetch
  clock?: Clock
  /** Where Kubernetes projects the token. Default: `/var/run/secrets/tokens/mayfly`. */
  projected?: string
}

/**
 * Where the documentation has Kubernetes project the token. Never the pod's
 * default one, `kubernetes.io/serviceaccount/token`: that is the pod's key to
 * the cluster's own API, which whoever received it could use.
 */
const projectedToken = '/var/run/secrets/tokens/mayfly'

/**
 * The token of this workload: what was given (`givenIdentity`), else what its
 * surroundings offer: GitHub Actions, a projected Kubernetes token, then the login
 * of `mayfly login`.
 *
 * @throws NoIdentity
 */
export async function findIdentity(sources: IdentitySources): Promise<string> {
  const { env, projected = projectedToken } = sources
  const found =
    (await givenIdentity(sources)) ??
    (await actionsToken(sources)) ??
    (await readToken(projected, 'if there')) ??
    (await loginIdentity(sources))
  if (found !== undefined) return found
  throw new NoIdentity(
    'this process has no identity token to show to the broker',
    env['GITHUB_ACTIONS'] === 'true'
      ? 'Give the job `permissions: { id-token: write }`.'
      : `Log in with \`mayfly login\`, give one with --token-file or MAYFLY_TOKEN, or project one to ${projected}.`,
  )
}

/**
 * Of whoever is logged in. Not inside a task: what runs there is to have what the task has, and
 * to ask the task for more.
 */
async function loginIdentity({ env, broker, clock }: IdentitySources): Promise<string | undefined> {
  if (broker === undefined || taskFromEnvironment(env)) return undefined
  // Loaded when it is wanted: a workload never logs in.
  const { loginToken } = await import('./login/login.ts')
  return await loginToken(broker, 'workload', env, clock)
}

/**
 * The token that someone has named: `tokenFile`, `MAYFLY_TOKEN`, or the file that
 * `MAYFLY_TOKEN_FILE` names, in this order; undefined where nobody has.
 *
 * @throws NoIdentity where it cannot be used.
 */
export async function givenIdentity({
  env,
  tokenFile,
}: Pick<IdentitySources, 'env' | 'tokenFile'>): Promise<string | undefined> {
  if (tokenFile !== undefined) return await readToken(tokenFile)
  if (env['MAYFLY_TOKEN']) return usable(env['MAYFLY_TOKEN'], 'MAYFLY_TOKEN')
  if (env['MAYFLY_TOKEN_FILE']) return await readToken(env['MAYFLY_TOKEN_FILE'])
  return undefined
}

async function readToken(path: string, absence?: 'if there'): Promise<string | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
    if (absence && (code === 'ENOENT' || code === 'ENOTDIR')) return undefined
    throw new NoIdentity(
      `the token file ${path} cannot be read (${code})`,
      'Name a file that holds the token.',
    )
  }
  return usable(text, `the file ${path}`)
}

function usable(text: string, source: string): string {
  const token = text.trim()
  try {
    bearer(token)
  } catch {
    throw new NoIdentity(`${source} does not hold one token`, 'Put the token there, alone.')
  }
  return token
}

/** The runner's token endpoint gave no token. */
class NoActionsToken extends NoIdentity {
  /** Whether it may give one some moments later. */
  readonly passing: boolean
  /** Whether it was given up for want of an answer. */
  readonly hung: boolean

  constructor(how: string, { passing = false, hung = false } = {}) {
    super(`GitHub Actions gave no identity token: ${how}`, 'Run the job again, or look at its permissions.')
    this.passing = passing
    this.hung = hung
  }
}

/** Milliseconds after which another attempt is worth more than the answer. */
const answerWithinMs = 10_000

/** GitHub's "OpenID Connect reference": the runner lends the job a URL and a bearer token for it. */
async function actionsToken({
  env,
  audience,
  fetch: call = fetch,
  clock = systemClock(),
}: IdentitySources): Promise<string | undefined> {
  const { ACTIONS_ID_TOKEN_REQUEST_URL: address, ACTIONS_ID_TOKEN_REQUEST_TOKEN: requestToken } = env
  if (!address || !requestToken) return undefined
  const url = URL.canParse(address) ? new URL(address) : null
  if (!url) throw new NoActionsToken('ACTIONS_ID_TOKEN_REQUEST_URL is not a URL')
  url.searchParams.set('audience', audience)
  const ask = (limit: AbortSignal) => askRunner(call, url, requestToken, limit)
  const value = await retry(() => withinLimit(clock, answerWithinMs, ask), {
    clock,
    isHung: (error) => error instanceof NoActionsToken && error.hung,
    retryAfterMs: (error) => (error instanceof NoActionsToken && error.passing ? 0 : undefined),
  })
  return usable(value, "GitHub Actions' answer")
}

async function askRunner(
  call: typeof globalThis.fetch,
  url: URL,
  requestToken: string,
  limit: AbortSignal,
): Promise<string> {
  let value: unknown
  try {
    const response = await call(url, {
      // In lower case as GitHub's documentation has it: not every stand-in for the runner takes both.
      headers: { Authorization: bearer(requestToken, 'bearer'), Accept: 'application/json' },
      redirect: 'error',
      signal: limit,
    })
    const { ok, status } = response
    if (!ok) throw new NoActionsToken(`it answered ${status}`, { passing: status >= 500 || status === 429 })
    ;({ value } = (await response.json()) as { value?: unknown })
  } catch (error) {
    if (error instanceof NoActionsToken) throw error
    if (limit.aborted)
      throw new NoActionsToken(`no answer within ${answerWithinMs / 1000} seconds`, {
        passing: true,
        hung: true,
      })
    const fault = networkFault(error)
    if (fault) throw new NoActionsToken(fault.words, { passing: fault.passing })
    throw new NoActionsToken('its answer did not come, or could not be read')
  }
  if (typeof value !== 'string') throw new NoActionsToken('its answer holds none')
  return value
}
