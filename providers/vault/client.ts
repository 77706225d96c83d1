/**
 * Requests to Vault, through `node-vault`, which is used nowhere else. It builds
 * the request; the sending is ours (its `request-promise` seam), because on its
 * own it follows redirects to other hosts with the token attached, ignores abort
 * signals, loses `Retry-After`, and lets a lost connection surface as an error
 * that prints `X-Vault-Token`.
 */
import nodeVault from 'node-vault'
import { lost, requireAwaited, secondsIn } from '../../src/provider/answers.ts'
import type { ConnectionContext } from '../../src/provider/upstream.ts'
import { untilHeard } from './behind.ts'
import type { VaultConfig } from './config.ts'

/** What Vault answered, whatever the status. */
export interface Answer {
  status: number
  /** Seconds, if Vault named them. */
  retryAfter: number | undefined
  /** How far the storage behind it had come, opaque, where it says so. */
  index: string | undefined
  /** Its JSON, unchecked; undefined where there was none. */
  body: unknown
}

interface Call {
  body?: object
  signal: AbortSignal
  /** Whether the request changes something, so that a lost answer leaves open whether it did. */
  acts: boolean
}

/**
 * Sends one request; `path` is what follows `/v1/`. A node that has not heard yet
 * of what the request builds on is asked again within seconds. @throws ProviderError
 * `unavailable` when no answer came, never for an answer.
 */
export type Send = (verb: 'read' | 'list' | 'write', path: string, call: Call) => Promise<Answer>

/**
 * Requests with a token, or without one for a login.
 *
 * @throws Error when the environment would have TLS unverified.
 */
export function vaultClient(
  { address, namespace = '' }: VaultConfig,
  { fetch, clock }: ConnectionContext,
): (token: string | undefined) => Send {
  // To node-vault any value at all, even `false`, means that certificates are not verified.
  if (process.env['VAULT_SKIP_VERIFY'] !== undefined)
    throw new Error(
      'VAULT_SKIP_VERIFY is set, and Vault is never called unverified: unset it, or name a `ca`',
    )
  const client = nodeVault({
    endpoint: address,
    // Its ready-made calls replace the client's token by whatever token an answer holds.
    commands: {},
    // Otherwise DEBUG=node-vault prints secrets.
    debug: () => undefined,
    'request-promise': { defaults: () => (request: Outgoing) => send(request, fetch) },
  })
  // What is falsy it would take from VAULT_TOKEN, VAULT_NAMESPACE and VAULT_PREFIX, which are not for us.
  Object.assign(client, { token: '', namespace, pathPrefix: '' })
  client.handleVaultResponse = (answer) => Promise.resolve(answer)
  // How far Vault's storage had come when it last changed for us: no node that is behind that may answer us.
  let index: string | undefined

  return (token) =>
    async (verb, path, { body, ...call }) => {
      const once = async (): Promise<Answer> => {
        requireAwaited('Vault', call.signal)
        const headers = {
          ...(token !== undefined && { 'X-Vault-Token': token }),
          ...(index !== undefined && { 'X-Vault-Index': index }),
        }
        const options = { ...call, headers }
        // LIST is no method of HTTP's, and proxies refuse it: this is the other way ("HTTP API", listing).
        const answer: unknown = await (verb === 'write'
          ? client.write(path, body ?? {}, options)
          : client.read(verb === 'list' ? `${path}?list=true` : path, options))
        return answer as Answer
      }
      const answer = await untilHeard({ clock, behind: ({ status }) => status === 412 }, once)
      // What never comes that far, as after a backup was restored, must not be waited for for ever.
      if (answer.status === 412) index = undefined
      else if (call.acts) index = answer.index ?? index
      return answer
    }
}

/** A request as node-vault hands it on. */
interface Outgoing {
  uri: string
  method: string
  headers: Record<string, string>
  json?: object
  signal: AbortSignal
  acts: boolean
}

async function send(
  { uri, method, headers, json, signal, acts }: Outgoing,
  fetch: ConnectionContext['fetch'],
): Promise<Answer> {
  try {
    const response = await fetch(uri, {
      method,
      // Vault's proxies can be told to take no request without this one, which no browser sends.
      headers: { ...headers, 'X-Vault-Request': 'true', 'Content-Type': 'application/json' },
      body: json === undefined ? null : JSON.stringify(json),
      redirect: 'manual',
      signal,
    })
    return {
      status: response.status,
      retryAfter: secondsIn(response.headers.get('retry-after')),
      index: indexIn(response.headers.get('x-vault-index')),
      body: parsed(await response.text()),
    }
  } catch (error) {
    throw lost('Vault', error, { signal, maybeDone: acts })
  }
}

/** It is sent back in a header of ours. */
function indexIn(header: string | null | undefined): string | undefined {
  return header && /^[\x21-\x7e]{1,1024}$/.test(header) ? header : undefined
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
