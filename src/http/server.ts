/** The listening socket. */
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { serve, type ServerType } from '@hono/node-server'

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
  fetch: Parameters<typeof serve>[0]['fetch'],
  given: { listen: { host: string; port: number }; tls: { cert: string; key: string } | undefined },
): Promise<Listening> {
  const { host: hostname, port } = given.listen
  const limits = { headersTimeout, requestTimeout, connectionsCheckingInterval }
  const server = await new Promise<ServerType>((resolve, reject) => {
    const starting = given.tls
      ? serve(
          {
            fetch,
            hostname,
            port,
            createServer: createTlsServer,
            serverOptions: { ...limits, ...given.tls },
          },
          () => resolve(starting),
        )
      : serve({ fetch, hostname, port, serverOptions: limits }, () => resolve(starting))
    starting.once('error', reject)
  })
  const { address, family, port: taken } = server.address() as AddressInfo
  return {
    address: `${given.tls ? 'https' : 'http'}://${family === 'IPv6' ? `[${address}]` : address}:${taken}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
