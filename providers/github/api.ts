/** Requests to GitHub, and the translation of everything that can go wrong with them. */
import { createAppAuth } from '@octokit/auth-app'
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
  const send = sender(context)
  const request = requester(config.api, send)
  // Only for the app's JWT. Its installation tokens are shared between callers, even across apps and hosts.
  const app = createAppAuth({
    appId: config.app_id,
    createJwt: jwtSigner(appKey(context.secret(config.private_key)), clock),
    log: silent,
  })
  return {
    asApp: (route, parameters, signal) =>
      answered(signal, route, async () => {
        const endpoint = request.endpoint.merge(route, { ...parameters, signal })
        return (await app.hook(request as never, endpoint as never)) as unknown as Answer
      }),
    asToken: (token) => (route, parameters, signal) =>
      answered(signal, route, async () => {
        const endpoint = request.endpoint.merge(route, { ...parameters, signal })
        endpoint.headers['authorization'] = `Bearer ${token}`
        return await send(endpoint)
      }),
  }
}

/** Octokit would print GitHub's own words to the console. */
const silent = { debug() {}, info() {}, warn() {}, error() {} }

/** A request as it is sent, under the names that octokit's hook reads and sets. */
interface Endpoint {
  method: string
  url: string
  headers: Record<string, string>
  body: string | undefined
  signal: AbortSignal
}

/** An answer that octokit's hook may want to try again: it reads GitHub's words and the `Date` header. */
class Refused extends Error {
  readonly response: Answer

  constructor(response: Answer) {
    super(String(Object(response.data).message))
    this.response = response
  }
}

function sender({ fetch, clock }: ConnectionContext) {
  return async ({ url, signal, body, ...sent }: Endpoint): Promise<Answer> => {
    const response = await fetch(url, {
      ...sent,
      ...(body !== undefined && { body }),
      signal,
      // It would be followed with the credential attached, wherever it points.
      redirect: 'manual',
    })
    // What is labelled as something else, or not at all, may hold a token that is as alive.
    const data = parsed(await response.text())
    const { status } = response
    return { status, headers: Object.fromEntries(response.headers), data, at: clock.now() }
  }
}

/**
 * What octokit's hook takes for octokit's own `request`, and calls with the app's JWT. That one
 * costs more than all else that a request takes.
 */
function requester(api: string, send: ReturnType<typeof sender>) {
  const unlessRefused = async (endpoint: Endpoint): Promise<Answer> => {
    const answer = await send(endpoint)
    if (answer.status >= 400) throw new Refused(answer)
    return answer
  }
  const merge = (given: string | Endpoint, parameters: Record<string, unknown> & { signal: AbortSignal }) => {
    if (typeof given !== 'string') return given
    const { signal, ...fields } = parameters
    const [method = '', path = ''] = given.split(' ')
    const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => {
      const value = String(fields[name])
      delete fields[name]
      return encodeURIComponent(value)
    })
    const body = Object.keys(fields).length > 0 ? JSON.stringify(fields) : undefined
    const headers: Record<string, string> = {
      accept: 'application/vnd.github+json',
      'user-agent': 'mayfly',
      'x-github-api-version': '2022-11-28',
      ...(body !== undefined && { 'content-type': 'application/json' }),
    }
    return { method, url: `${api}${filled}`, headers, body, signal }
  }
  return Object.assign(unlessRefused, { endpoint: { merge, DEFAULTS: { baseUrl: api } } })
}

async function answered(signal: AbortSignal, route: string, send: () => Promise<Answer>): Promise<Answer> {
  requireAwaited('GitHub', signal)
  try {
    return await send()
  } catch (error) {
    if (error instanceof Refused) return error.response
    throw lost('GitHub', error, { signal, maybeDone: !route.startsWith('GET ') })
  }
}

function parsed(text: string): unknown {
  // Of a 204; to have it refused as JSON costs more than all else that is done with such an answer.
  if (text === '') return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
