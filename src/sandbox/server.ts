/** What every counterpart has in common: a loopback server with faults, a request log and its own time. */
import { getRequestListener, type HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Clock } from '../base/clock.ts'
import { createFaults, type Faults, type RequestLine, type Voice } from './faults.ts'

interface SandboxServer {
  app: Hono<{ Bindings: HttpBindings }>
  /** `http://127.0.0.1:PORT` */
  url: string
  faults: Faults
  /** Every request that arrived, faults included, in order. */
  requests: RequestLine[]
  close: () => Promise<void>
}

/**
 * Listens on 127.0.0.1; port 0 is any free one. `voice` is that of whom it stands for. Routes are to be added before
 * the caller next waits for anything: until then no request can be read.
 */
export async function listen(clock: Clock, port = 0, voice?: Voice): Promise<SandboxServer> {
  const app = new Hono<{ Bindings: HttpBindings }>()
  const { faults, inject } = createFaults(clock, voice)
  const requests: RequestLine[] = []
  app.use(async (c, next) => {
    requests.push({ method: c.req.method, path: c.req.path })
    await next()
    // Clients correct their clock skew by this header, so it tells the same time as the rules do.
    if (!c.res.headers.has('date')) c.header('date', new Date(clock.now()).toUTCString())
  })
  app.use(inject)

  const server = createServer(getRequestListener(app.fetch))
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    app,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    faults,
    requests,
    async close() {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
