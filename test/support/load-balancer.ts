/** A load balancer as the deployment files have one: it sends a request to the first broker that takes a connection. */
import { createServer, request } from 'node:http'

/** Listens at `url`. What was sent to a broker that then cuts the connection off is answered 502, and not sent again. */
export async function loadBalancer(url: string, ports: readonly number[]): Promise<AsyncDisposable> {
  const server = createServer((incoming, outgoing) => {
    const sent: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => sent.push(chunk))
    incoming.on('end', () => {
      const sendTo = ([port, ...others]: readonly number[]) => {
        const { method, url: path, headers } = incoming
        const forwarded = request({ host: '127.0.0.1', port, method, path, headers }, (answer) => {
          outgoing.writeHead(answer.statusCode!, answer.headers)
          answer.pipe(outgoing)
        })
        forwarded.on('error', (error: NodeJS.ErrnoException) => {
          if (error.code === 'ECONNREFUSED' && others.length > 0) sendTo(others)
          else if (outgoing.headersSent) outgoing.destroy()
          else outgoing.writeHead(502).end()
        })
        forwarded.end(Buffer.concat(sent))
      }
      sendTo(ports)
    })
  })
  await new Promise<void>((resolve) => server.listen(Number(new URL(url).port), '127.0.0.1', resolve))
  return {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
