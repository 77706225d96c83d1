/** Refuses requests too broken to reach the application, in its terms: with an id and a code (design §10). */
import { RequestError } from '@hono/node-server'
import { type ServerResponse, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ErrorCode } from '../base/errors.ts'
import { newId } from '../base/id.ts'
import type { Log } from '../base/log.ts'
import { titles } from './problem.ts'

const statuses: Record<string, number> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
}

/** For a server's `clientError`: Node's parser gave up. Whoever listens to it has to close the connection too. */
export function answerUnparsed({ code }: NodeJS.ErrnoException, socket: Duplex, log: Log): void {
  const { _httpMessage: underWay } = socket as { _httpMessage?: ServerResponse }
  // A second head in the middle of an answer would be read as part of it.
  if (!socket.writable || underWay?.headersSent) return void socket.destroy()
  const status = statuses[code ?? ''] ?? 400
  const { body, headers } = refusal(status, log)
  const lines = Object.entries({ ...headers, Connection: 'close', 'Content-Length': Buffer.byteLength(body) })
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    ...lines.map(([name, value]) => `${name}: ${value}`),
  ]
  socket.end([...head, '', body].join('\r\n'), () => socket.destroy())
}

/** What was parsed, but makes no URL (`Host: a b`). Anything else is a defect of ours. */
export function answerUnreadable(error: unknown, log: Log): Response {
  const status = error instanceof RequestError ? 400 : 500
  const { body, headers } = refusal(status, log, error)
  return new Response(body, { status, headers })
}

/** What of them has no route has its line in the log all the same. */
function refusal(status: number, log: Log, error?: unknown) {
  const id = newId('req')
  const [code, detail]: [ErrorCode, string] =
    status < 500
      ? ['invalid_request', 'the request could not be read']
      : ['internal', 'something went wrong here']
  const facts = { request_id: id, status, code }
  if (status >= 500) log.error({ ...facts, err: error }, detail)
  else log.info(facts, 'request')
  const problem = {
    type: 'about:blank',
    title: titles[code],
    code,
    detail,
    status,
    request_id: id,
  }
  return {
    body: JSON.stringify(problem),
    headers: { 'Content-Type': 'application/problem+json', 'X-Request-Id': id },
  }
}
