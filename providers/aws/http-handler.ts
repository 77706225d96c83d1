/**
 * How the SDK's requests leave: through the broker's own `fetch`, which knows the
 * CA and the proxy that there may be. The SDK's HTTP client knows neither.
 */
import type { STSClientConfig } from '@aws-sdk/client-sts'
import { Readable } from 'node:stream'
import type { ConnectionContext } from '../../src/provider/upstream.ts'

/** The part of the SDK's requests that STS, IAM and what it logs in with make use of. */
interface Outgoing {
  method: string
  protocol: string
  hostname: string
  port?: number
  path: string
  query?: Record<string, string | string[] | null>
  headers: Record<string, string>
  body?: string | Uint8Array
}

/** `fetch` writes these itself, and to the same effect: the host is signed as the URL has it. */
const ownHeaders = ['host', 'content-length']

export function httpHandler(
  fetch: ConnectionContext['fetch'],
): NonNullable<STSClientConfig['requestHandler']> {
  const handle = async (request: Outgoing, { abortSignal }: { abortSignal?: AbortSignal } = {}) => {
    const { method, headers, body } = request
    const sent = Object.entries(headers).filter(([name]) => !ownHeaders.includes(name.toLowerCase()))
    const response = await fetch(urlOf(request), {
      method,
      headers: sent,
      ...(method !== 'GET' && method !== 'HEAD' && { body: body as string }),
      redirect: 'manual',
      ...(abortSignal && { signal: abortSignal }),
    })
    return {
      response: {
        statusCode: response.status,
        headers: Object.fromEntries(response.headers),
        body: Readable.from([await response.text()]),
      },
    }
  }
  const settings = { updateHttpClientConfig: () => undefined, httpHandlerConfigs: () => ({}) }
  return { handle, ...settings } as unknown as NonNullable<STSClientConfig['requestHandler']>
}

function urlOf({ protocol, hostname, port, path, query = {} }: Outgoing): string {
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    [value ?? ''].flat().map((each) => `${encodeURIComponent(name)}=${encodeURIComponent(each)}`),
  )
  const at = port === undefined ? '' : `:${port}`
  return `${protocol}//${hostname}${at}${path}${pairs.length > 0 ? `?${pairs.join('&')}` : ''}`
}
