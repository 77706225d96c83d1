/** Somebody who is told: a real HTTP server that keeps what it is sent, and can refuse it. */
import { createHmac } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Delivery {
  method: string
  path: string
  headers: IncomingHttpHeaders
  text: string
  // oxlint-disable-next-line no-explicit-any -- a wrong guess fails the test
  body: any
}

export interface Receiver extends AsyncDisposable {
  url: string
  /** In the order of their coming; those that were refused too. */
  deliveries: Delivery[]
  /** What it has taken. */
  taken: Delivery[]
  /** What is answered from now on: by default 204. */
  answer: (response: ServerResponse) => void
  close(): Promise<void>
}

export async function startReceiver(port = 0): Promise<Receiver> {
  const deliveries: Delivery[] = []
  const taken: Delivery[] = []
  const receiver: Receiver = {
    url: '',
    deliveries,
    taken,
    answer: (response) => void response.writeHead(204).end(),
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
    [Symbol.asyncDispose]: () => receiver.close(),
  }
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const text = Buffer.concat(chunks).toString()
      const { method = '', url: path = '', headers } = request
      const delivery = { method, path, headers, text, body: text === '' ? undefined : JSON.parse(text) }
      deliveries.push(delivery)
      response.on('finish', () => void (response.statusCode < 300 && taken.push(delivery)))
      receiver.answer(response)
    })
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
  return receiver
}

/** Whether the delivery is genuine, as Standard Webhooks has its receiver find out. `secret`: base64. */
export function isSigned({ headers, text }: Delivery, secret: string): boolean {
  const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${text}`
  const mac = createHmac('sha256', Buffer.from(secret, 'base64')).update(signed).digest('base64')
  return headers['webhook-signature'] === `v1,${mac}`
}
