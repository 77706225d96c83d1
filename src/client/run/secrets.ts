/**
 * The secrets of a run's scope at an address, for programs that look a secret up where they need it: OpenHands'
 * `LookupSecret`, which makes a GET with headers of its configuration and takes the body as the secret (docs/decisions/0056).
 */
import { randomBytes } from 'node:crypto'
import type { AuthorizationDetail } from '../client.ts'
import { bearerOf } from '../formats.ts'
import type { KeptCredential } from '../kept.ts'
import type { Environment } from './ambient.ts'
import { type Answer, type Endpoint, jsonAnswer, serveEndpoint } from './endpoint.ts'

/** Also where nothing is served: what an outer run serves is not this task's. */
export const noSecrets: Environment = { MAYFLY_SECRETS_URL: undefined, MAYFLY_SECRETS_TOKEN: undefined }

export interface SecretSources {
  details: readonly AuthorizationDetail[]
  /** How the command line writes a detail, which is by what it is asked for here. */
  scopeText: (detail: AuthorizationDetail) => string
  get: (detail: AuthorizationDetail) => Promise<KeptCredential>
}

const path = '/secrets'

export async function serveSecrets(
  sources: SecretSources,
): Promise<{ env: Environment; endpoint: Endpoint }> {
  const secret = randomBytes(32).toString('base64url')
  const endpoint = await serveEndpoint({
    header: 'x-access-token',
    secret,
    path,
    answer: (url) => secretFor(url.searchParams.getAll('scope'), sources),
  })
  const env = { MAYFLY_SECRETS_URL: `${endpoint.origin}${path}`, MAYFLY_SECRETS_TOKEN: secret }
  return { env, endpoint }
}

async function secretFor(
  asked: readonly string[],
  { details, scopeText, get }: SecretSources,
): Promise<Answer> {
  const scopes = details.map(scopeText)
  const detail =
    details.length === 1 && asked.length === 0 ? details[0] : details[scopes.indexOf(asked[0] ?? '')]
  if (!detail || asked.length > 1) {
    const message = `name one of the scope of this task with ?scope=: ${scopes.join(', ')}`
    return jsonAnswer(404, { code: 'not_found', message })
  }
  const kept = await get(detail)
  const body = bearerOf(kept)
  if (body !== undefined) return { status: 200, type: 'text/plain; charset=utf-8', body }
  const parts = Object.keys(kept.credential).join(', ')
  return jsonAnswer(422, { code: 'invalid_request', message: `this credential has several parts: ${parts}` })
}
