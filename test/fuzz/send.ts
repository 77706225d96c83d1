/** A client that sends what no client should. */
import { once } from 'node:events'
import { Agent, type IncomingMessage, request } from 'node:http'
import type { Request } from './mutations.ts'

export interface Reply {
  status: number
  headers: IncomingMessage['headers']
  text: string
}

/** Percent-encoded where a request line could not carry it. */
const onTheLine = (path: string) =>
  path.replaceAll(/[^\x21-\x7e]/gu, (character) =>
    [...Buffer.from(character)].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join(''),
  )
const inAHeader = (value: string) => value.replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '?')

const agent = new Agent({ keepAlive: true, maxSockets: 16 })
export const hangUp = () => agent.destroy()

/** Undefined where the broker closed the connection instead of answering, as it may on what is not HTTP. */
export async function send(url: string, given: Request, again = true): Promise<Reply | undefined> {
  const { hostname, port } = new URL(url)
  const headers = Object.entries(given.headers).map(([name, value]) => [name, inAHeader(value)] as const)
  const chunked = headers.some(([name]) => name === 'Transfer-Encoding')
  const sent = request({
    hostname,
    port,
    agent,
    method: given.method,
    path: onTheLine(given.path),
    headers: {
      ...Object.fromEntries(headers),
      ...(given.body !== undefined && !chunked && { 'Content-Length': Buffer.byteLength(given.body) }),
    },
  })
  try {
    sent.end(given.body)
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    let text = ''
    for await (const chunk of response.setEncoding('utf8')) text += chunk
    return { status: response.statusCode!, headers: response.headers, text }
  } catch {
    // A kept connection that the broker had just closed says nothing about this request.
    return sent.reusedSocket && again ? await send(url, given, false) : undefined
  }
}
