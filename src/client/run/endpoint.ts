/**
 * A server on loopback for the programs of a run. Every program of this machine reaches its port, and a web
 * page may: only who shows the run's secret is answered.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isSameSecret } from '../../base/same-secret.ts'
import { BrokerProblem, passes } from '../problem.ts'

export interface Answer {
  status: number
  type: 'application/json' | 'text/plain; charset=utf-8'
  body: string
}

export interface Endpoint extends Disposable {
  /** `http://127.0.0.1:PORT` */
  origin: string
}

interface Serving {
  /** The name of the header that has the secret. */
  header: string
  secret: string
  path: string
  answer: (url: URL) => Promise<Answer>
}

export async function serveEndpoint(serving: Serving): Promise<Endpoint> {
  const server = createServer((request, response) => {
    void answerTo(request, serving).then(({ status, type, body }) => {
      response.writeHead(status, { 'Content-Type': type, 'Cache-Control': 'no-store' })
      response.end(body)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    origin: `http://127.0.0.1:${port}`,
    [Symbol.dispose]() {
      server.close()
      server.closeAllConnections()
    },
  }
}

export function jsonAnswer(status: number, body: Record<string, string>): Answer {
  return { status, type: 'application/json', body: JSON.stringify(body) }
}

async function answerTo(
  { method, url = '', headers }: IncomingMessage,
  { header, secret, path, answer }: Serving,
): Promise<Answer> {
  const shown = headers[header]
  if (typeof shown !== 'string' || !isSameSecret(shown, secret))
    return jsonAnswer(401, { code: 'invalid_token', message: `${header} is not that of this run` })
  const asked = URL.canParse(url, 'http://127.0.0.1') ? new URL(url, 'http://127.0.0.1') : undefined
  if (method !== 'GET' || asked?.pathname !== path)
    return jsonAnswer(404, { code: 'not_found', message: 'there is nothing here' })
  try {
    return await answer(asked)
  } catch (error) {
    const refusal = error instanceof BrokerProblem ? error : undefined
    const message = error instanceof Error ? error.message : 'unknown error'
    // Who asks tries again after a status of 5xx.
    const status = passes(error) ? 503 : (refusal?.status ?? 500)
    return jsonAnswer(status, { code: refusal?.code ?? 'unavailable', message })
  }
}
