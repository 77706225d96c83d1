/** The listening socket. */
import { getRequestListener } from '@hono/node-server'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { Log } from '../base/log.ts'
import { answerUnparsed, answerUnreadable } from './unparsed.ts'

/** Milliseconds for a request's headers, and for all of it: slow senders hold nothing for long. */
const headersTimeout = 10_000
const requestTimeout = 30_000
/** Milliseconds between looks for those; Node's own 30 s would let a slow sender stay twice as long. */
const connectionsCheckingInterval = 1_000
/**
 * Milliseconds that an idle connection is kept: longer than load balancers keep
 * theirs, 60 s with most. Whoever closes first risks that a request is on its way
 * then, which is lost, and a POST is sent again by nobody.
 */
const keepAliveTimeout = 75_000

/** PEM. */
export interface Tls {
  cert: string
  key: string
}

export interface Listening {
  /** `http://127.0.0.1:8420` */
  address: string
  /** Serves this certificate from the next connection on. Without effect on what was started in clear. */
  renew(tls: Tls): void
  /** Takes no more connections; resolves when those open are done. */
  close(): Promise<void>
}

/** @throws Error when the address is taken. */
export async function listen(
  fetch: Parameters<typeof getRequestListener>[0],
  given: {
    listen: { host: string; port: number }
    tls: Tls | undefined
    log: Log
  },
): Promise<Listening> {
  const { host: hostname, port } = given.listen
  const { log } = given
  const options = {
    headersTimeout,
    requestTimeout,
    connectionsCheckingInterval,
    keepAliveTimeout,
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
    renew(tls) {
      if ('setSecureContext' in server) server.setSecureContext(tls)
    },
    close: () =>
      new Promise((resolve) => {
        // Node ends what is idle now. What is answered from now on would be kept for its client's next request.
        server.keepAliveTimeout = 1
        server.keepAliveTimeoutBuffer = 0
        server.close(() => resolve())
      }),
  }
}
