/** Requests that `fetch` will not make: repeated headers, another Host, a body cut off, a client that leaves. */
import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import type { Answer } from './broker.ts'

/** `headers` as they go on the wire, name and value in turn. */
export function rawRequest(
  url: string,
  options: {
    method?: string
    /** As it goes on the wire, in place of what `url` says. */
    path?: string
    headers?: string[]
    body?: string | undefined
  },
): ClientRequest {
  const { method = 'GET', path, headers = [], body } = options
  const { host } = new URL(url)
  const named = headers.some((name, index) => index % 2 === 0 && name.toLowerCase() === 'host')
  const length = body === undefined ? [] : ['Content-Length', String(Buffer.byteLength(body))]
  const sent = request(url, {
    method,
    ...(path !== undefined && { path }),
    headers: [...(named ? [] : ['Host', host]), ...length, ...headers],
    agent: false,
  })
  sent.end(body)
  return sent
}

/** Sends the request and reads the answer. */
export async function raw(url: string, options: Parameters<typeof rawRequest>[1]): Promise<Answer> {
  const [response] = (await once(rawRequest(url, options), 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  const headers = new Headers()
  for (const [name, value] of Object.entries(response.headers)) headers.set(name, String(value))
  const json = /json/.test(headers.get('Content-Type') ?? '')
  return { status: response.statusCode ?? 0, headers, body: json ? JSON.parse(text) : text }
}
