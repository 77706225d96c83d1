/** Requests to GitHub, and the translation of everything that can go wrong with them. */
import { createAppAuth } from '@octokit/auth-app'
import { request } from '@octokit/request'
import type { Clock } from '../../src/base/clock.ts'
import { lost, requireAwaited } from '../../src/provider/answers.ts'
import type { ConnectionContext } from '../../src/provider/upstream.ts'
import { appKey, jwtSigner } from './app-jwt.ts'
import type { GithubConfig } from './config.ts'

/** What GitHub answered, whatever the status. `data` is its JSON, unchecked. */
export interface Answer {
  status: number
  headers: Record<string, string | number | undefined>
  data: unknown
  /** When it came, milliseconds since 1970. */
  at: number
}

/** The same, as octokit gives it. */
type Raw = Omit<Answer, 'at'>

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
  const { clock } = context
  const plain = request.defaults({
    baseUrl: config.api,
    headers: { 'user-agent': 'mayfly', 'x-github-api-version': '2022-11-28' },
    // A redirect would be followed with the credential attached, wherever it points.
    request: { fetch: context.fetch, redirect: 'manual', log: silent },
  })
  // Only for the app's JWT. Its installation tokens are shared between callers, even across apps and hosts.
  const app = createAppAuth({
    appId: config.app_id,
    createJwt: jwtSigner(appKey(context.secret(config.private_key)), clock),
    log: silent,
  })
  return {
    asApp: send(plain.defaults({ request: { hook: app.hook.bind(app) } }), clock),
    asToken: (token) => send(plain.defaults({ headers: { authorization: `Bearer ${token}` } }), clock),
  }
}

/** Octokit would print GitHub's own words to the console. */
const silent = { debug() {}, info() {}, warn() {}, error() {} }

function send(octokit: typeof request, clock: Clock): Send {
  return async (route, parameters, signal) => {
    requireAwaited('GitHub', signal)
    try {
      return read(await octokit(route, { ...parameters, request: { signal } }), clock)
    } catch (error) {
      // Octokit gives every lost answer, even one cut off by the signal, the status 500: only the cause tells.
      const answer = (error as { response?: Raw }).response
      if (answer) return read(answer, clock)
      throw lost('GitHub', error, { signal, maybeDone: !route.startsWith('GET ') })
    }
  }
}

/** Octokit parses only what is labelled `application/json`. A token in an answer with another label, or none, is as alive. */
function read({ status, headers, data }: Raw, clock: Clock): Answer {
  const text = data instanceof ArrayBuffer ? Buffer.from(data).toString() : data
  return { status, headers, data: typeof text === 'string' ? parsed(text) : data, at: clock.now() }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
