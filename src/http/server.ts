/** The listening socket. */
import { getRequestListener } from '@hono/node-server'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Log } from '../log.ts'
import { answerUnparsed, answerUnreadable } from './unparsed.ts'

/** Milliseconds for a request's headers, and for all of it: slow senders hold nothing for long. */
const headersTimeout = 10_000
const requestTimeout = 30_000
/** Milliseconds between looks for those; Node's own 30 s would let a slow sender stay twice as long. */
const connectionsCheckingInterval = 1_000

export interface Listening {
  /** `http://127.0.0.1:8420` */
  address: string
  /** Takes no more connections; resolves when those open are done. */
  close(): Promise<void>
}

/** @throws Error when the address is taken. */
export async function listen(
  fetch: Parameters<typeof getRequestListener>[0],
  given: {
    listen: { host: string; port: number }
    tls: { cert: string; key: string } | undefined
    log: Log
  },
): Promise<Listening> {
  const { host: hostname, port } = given.listen
  const { log } = given
  const options = {
    headersTimeout,
    requestTimeout,
    connectionsCheckingInterval,
    // Refused by the application, which says so in its own terms.
    requireHostHeader: false,
  }
  const errorHandler = (error: unknown) => answerUnreadable(error, log)
  const listener = getRequestListener(fetch, { hostname, errorHandler })
  const server = given.tls
    ? createTlsServer({ ...options, ...given.tls }, listener)
    : createServer(options, listener)
  server.on('clientError', (error, socket) => answerUnparsed(error, socket, log))
  // RFC 9110 §10.1.1: what is expected beyond `100-continue` may be passed over. Node's own 417 has no id.
  server.on('checkExpectation', listener)
  server.listen(port, hostname)
  await once(server, 'listening')
  const { address, family, port: taken } = server.address() as AddressInfo
  return {
    address: `${given.tls ? 'https' : 'http'}://${family === 'IPv6' ? `[${address}]` : address}:${taken}`,
    close: () =>
      new Promise((resolve) => {
        // Node ends what is idle now. What is answered from now on would be kept for its client's next request.
        server.keepAliveTimeout = 1
        server.keepAliveTimeoutBuffer = 0
        server.close(() => resolve())
      }),
  }
}
