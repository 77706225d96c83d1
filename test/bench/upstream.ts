/**
 * A GitHub that costs as little as can be, in a process of its own: it hands out tokens, takes
 * them back and refuses what it does not know. `delay` milliseconds an answer, `slots` at once.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface UpstreamReport {
  alive: number
  /** Milliseconds of `Date.now`: when the last token was taken back, and when the last dead one was tried. */
  lastRevoked: number
  lastProbed: number
  revoked: number
  probed: number
  /** The most that were answered at once. */
  peak: number
}

const [delay = 0, slots = Infinity] = process.argv.slice(2).map(Number)
const lifeMs = 3_600_000
const permissions = { contents: 'write', metadata: 'read' }

const alive = new Set<string>()
const dead = new Set<string>()
const report = (): UpstreamReport => ({
  alive: alive.size,
  lastRevoked,
  lastProbed,
  revoked,
  probed: dead.size,
  peak,
})
let [minted, revoked, lastRevoked, lastProbed, busy, peak] = [0, 0, 0, 0, 0, 0]
let hangs = false
const waiting: (() => void)[] = []

function answer(request: IncomingMessage, response: ServerResponse, body: string): void {
  const send = (status: number, value?: unknown) => {
    response.writeHead(status, { 'content-type': 'application/json', 'x-github-request-id': 'bench' })
    response.end(value === undefined ? undefined : JSON.stringify(value))
  }
  const { method, url = '' } = request
  const token = request.headers.authorization?.replace(/^\S+ /, '') ?? ''
  if (method === 'GET' && url.startsWith('/repos/')) {
    const [, , owner] = url.split('/')
    return send(200, { id: 1, account: { login: owner }, permissions })
  }
  if (method === 'POST') {
    const asked = JSON.parse(body) as { repositories: string[]; permissions: object }
    const given = `ghs_${process.pid}_${String(++minted).padStart(32, '0')}`
    alive.add(given)
    return send(201, {
      token: given,
      expires_at: new Date(Date.now() + lifeMs).toISOString(),
      permissions: { ...asked.permissions, metadata: 'read' },
      repository_selection: 'selected',
      repositories: asked.repositories.map((name) => ({ name })),
    })
  }
  if (method === 'DELETE' && alive.delete(token)) {
    revoked += 1
    lastRevoked = Date.now()
    return send(204)
  }
  if (alive.has(token)) return send(200, { total_count: 1, repositories: [] })
  if (method === 'GET' && token.startsWith('ghs_')) {
    dead.add(token)
    lastProbed = Date.now()
  }
  return send(401, { message: 'Bad credentials' })
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let body = ''
  for await (const chunk of request) body += String(chunk)
  if (hangs) return
  if (busy >= slots) await new Promise<void>((resolve) => waiting.push(resolve))
  else busy += 1
  peak = Math.max(peak, busy)
  if (delay > 0) await new Promise((resolve) => setTimeout(resolve, delay))
  answer(request, response, body)
  const next = waiting.shift()
  if (next) next()
  else busy -= 1
}

const server = createServer(
  { keepAliveTimeout: 60_000 },
  (request, response) => void serve(request, response),
)
server.listen(0, '127.0.0.1', () => {
  process.send!(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
})

process.on('message', (message) => {
  if (message === 'report') process.send!(report())
  if (message === 'hang') hangs = true
  if (message === 'reset') {
    dead.clear()
    ;[revoked, lastRevoked, lastProbed, peak] = [0, 0, 0, 0]
  }
  if (message === 'stop') process.exit(0)
})
