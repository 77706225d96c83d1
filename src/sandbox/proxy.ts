/**
 * A corporate proxy: the only way out of a network. It takes CONNECT and nothing
 * else (RFC 9110 §9.3.6), and reads along: TLS ends in it, under a certificate of a
 * CA of its own. What it lets through it leads to servers on this machine.
 */
import { once } from 'node:events'
import { createServer, request, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'

export interface SandboxProxy {
  /** `http://127.0.0.1:PORT`, or https. */
  url: string
  /** Where tunnels were asked for, in order: `github.corp.example:443`. */
  asked: string[]
  settings: {
    /** The user and password without which it answers 407, `user:password`. */
    login?: string | undefined
    /** Answered to whoever asks for a tunnel, in place of one. */
    refusal?: number | undefined
  }
  close(): Promise<void>
}

/**
 * `behind`: what each name leads to, `{ 'github.corp.example': 'http://127.0.0.1:4711' }`. `tls`: PEM,
 * good for all the names. `itself`: PEM with which the proxy is spoken to over TLS as well.
 */
export async function startProxy(
  behind: Record<string, string>,
  tls: { cert: string; key: string },
  itself?: { cert: string; key: string },
): Promise<SandboxProxy> {
  const asked: string[] = []
  const settings: SandboxProxy['settings'] = {}
  const sockets = new Set<Socket>()
  const ends = new Map(Object.entries(behind).map(([name, origin]) => [name, tlsEnd(origin, tls)]))

  const notAllowed: RequestListener = (_request, response) => void response.writeHead(405).end()
  const proxy = itself ? createTlsServer(itself, notAllowed) : createServer(notAllowed)
  proxy.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
  })
  proxy.on('connect', ({ url = '', headers }, socket: Socket, head: Buffer) => {
    asked.push(url)
    const end = ends.get(url.replace(/:443$/, ''))
    const status = settings.refusal ?? (isAdmitted(headers['proxy-authorization']) ? (end ? 200 : 502) : 407)
    socket.write(`HTTP/1.1 ${status} ${status === 200 ? 'Connection established' : 'No'}\r\n\r\n`)
    if (status !== 200) return void socket.end()
    socket.unshift(head)
    end!.emit('connection', socket)
  })
  const isAdmitted = (authorization: string | undefined) =>
    settings.login === undefined ||
    authorization === `Basic ${Buffer.from(settings.login).toString('base64')}`

  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  return {
    url: `${itself ? 'https' : 'http'}://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    asked,
    settings,
    async close() {
      const closed = once(proxy, 'close')
      proxy.close()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}

/** Answers what comes out of a tunnel as the server at `origin` does. */
function tlsEnd(origin: string, tls: { cert: string; key: string }): Server {
  return createTlsServer(tls, (incoming, outgoing) => {
    const { method, headers, url = '/' } = incoming
    const onward = request(origin + url, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    onward.on('error', () => outgoing.destroy())
    incoming.pipe(onward)
  })
}
