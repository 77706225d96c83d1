/** Requests to GitHub, and the translation of everything that can go wrong with them. */
import { createAppAuth } from '@octokit/auth-app'
import { request } from '@octokit/request'
import { ProviderError, type ConnectionContext } from '../../src/provider.ts'
import { appKey, jwtSigner } from './app-jwt.ts'
import type { GithubConfig } from './config.ts'

/** What GitHub answered, whatever the status. `data` is its JSON, unchecked. */
export interface Answer {
  status: number
  headers: Record<string, string | number | undefined>
  data: unknown
}

/**
 * Sends one request. @throws ProviderError `unavailable` when no answer came,
 * never for an answer.
 */
type Send = (
  route: `${'GET' | 'POST' | 'DELETE'} /${string}`,
  parameters: Record<string, unknown>,
  signal: AbortSignal,
) => Promise<Answer>

export interface Api {
  asApp: Send
  /** With an installation token itself, and never with the app's JWT beside it. */
  asToken(token: string): Send
}

/** @throws Error when the app's private key cannot be read. */
export function githubApi(config: GithubConfig, context: ConnectionContext): Api {
  const plain = request.defaults({
    baseUrl: config.api,
    headers: { 'user-agent': 'mayfly', 'x-github-api-version': '2022-11-28' },
    // A redirect would be followed with the credential attached, wherever it points.
    request: { fetch: context.fetch, redirect: 'manual', log: silent },
  })
  // Only for the app's JWT. Its installation tokens are shared between callers, even across apps and hosts.
  const app = createAppAuth({
    appId: config.app_id,
    createJwt: jwtSigner(appKey(context.secret(config.private_key)), context.clock),
    log: silent,
  })
  return {
    asApp: send(plain.defaults({ request: { hook: app.hook.bind(app) } })),
    asToken: (token) => send(plain.defaults({ headers: { authorization: `Bearer ${token}` } })),
  }
}

/** Octokit would print GitHub's own words to the console. */
const silent = { debug() {}, info() {}, warn() {}, error() {} }

function send(octokit: typeof request): Send {
  return async (route, parameters, signal) => {
    if (signal.aborted)
      throw new ProviderError('unavailable', 'the request to GitHub was abandoned before it was sent')
    try {
      return read(await octokit(route, { ...parameters, request: { signal } }))
    } catch (error) {
      const answer = (error as { response?: Answer }).response
      if (answer) return read(answer)
      throw noAnswer(error, mayAct(route), signal)
    }
  }
}

/** Octokit parses only what is labelled `application/json`. A token in an answer with another label, or none, is as alive. */
function read({ status, headers, data }: Answer): Answer {
  const text = data instanceof ArrayBuffer ? Buffer.from(data).toString() : data
  return { status, headers, data: typeof text === 'string' ? parsed(text) : data }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function mayAct(route: string): boolean {
  return !route.startsWith('GET ')
}

/** Failures after which GitHub certainly never saw the request. */
const neverSent = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT'])

/** Octokit gives every lost answer, even one cut off by the signal, the status 500: only the cause tells. */
function noAnswer(error: unknown, acts: boolean, signal: AbortSignal): ProviderError {
  if (signal.aborted) {
    const late = signal.reason instanceof Error && signal.reason.name === 'TimeoutError'
    const message = late ? 'GitHub did not answer in time' : 'the request to GitHub was abandoned'
    return new ProviderError('unavailable', message, { maybeDone: acts })
  }
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (neverSent.has(String((cause as NodeJS.ErrnoException).code))) {
      return new ProviderError('unavailable', 'GitHub cannot be reached')
    }
  }
  return new ProviderError('unavailable', 'the connection to GitHub was lost', { maybeDone: acts })
}
