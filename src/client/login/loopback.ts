/**
 * The page of this machine that a browser comes back to from a login (RFC 8252 §7.3). Any page, and any
 * process, can ask it for anything: it answers the browser that it has sent to the issuer, with what
 * the issuer was told, once.
 */
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isSameSecret } from '../../base/same-secret.ts'

export interface Loopback extends AsyncDisposable {
  /** What to open: it sends the browser on to the issuer, which nobody else learns the address of. */
  start: string
  redirectUri: string
  /** Where the browser came back to. */
  answer: Promise<URL>
  /** What the browser is to show, once the login is done. */
  finish(words: string): void
}

const callback = '/callback'

/** `sendTo` gives the address to log in at. `state` is in it, and has to be in the answer. */
export async function listenForAnswer(
  state: string,
  sendTo: (redirectUri: string) => URL,
  signal: AbortSignal,
): Promise<Loopback> {
  const server = createServer((request, response) => serve(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  // In an argument of the browser, where others can read it: it is good for the first that comes.
  const path = `/${randomBytes(16).toString('hex')}`
  const mark = randomBytes(32).toString('hex')
  const cookie = `mayfly_login_${randomBytes(4).toString('hex')}`
  const redirectUri = `${origin}${callback}`
  let resolve!: (url: URL) => void
  let reject!: (reason: Error) => void
  const answer = new Promise<URL>((yes, no) => ([resolve, reject] = [yes, no]))
  let marked = false
  let waiting: ServerResponse | undefined
  const stop = () => reject(signal.reason as Error)
  if (signal.aborted) stop()
  signal.addEventListener('abort', stop, { once: true })
  // Whoever waits for it hears of it; nobody has to.
  answer.catch(() => undefined)

  function serve(request: IncomingMessage, response: ServerResponse): void {
    const asked = `${origin}${request.url ?? ''}`
    // A page elsewhere whose name was made to point here (DNS rebinding) sends its own name.
    const isOurs = request.headers.host === new URL(origin).host && URL.canParse(asked)
    if (request.method !== 'GET' || !isOurs) return show(response, 404, 'There is nothing here.')
    const url = new URL(asked)
    const isMarked = isSameSecret(cookieIn(request, cookie), mark)
    if (url.pathname === path) {
      if (marked && !isMarked)
        return show(response, 409, 'This login was begun in another browser. If that was not you, stop it.')
      marked = true
      response.writeHead(303, {
        ...quiet,
        Location: sendTo(redirectUri).href,
        'Set-Cookie': `${cookie}=${mark}; Path=/; HttpOnly; SameSite=Lax`,
      })
      return void response.end()
    }
    if (url.pathname !== callback) return show(response, 404, 'There is nothing here.')
    const states = url.searchParams.getAll('state')
    if (!isMarked || states.length !== 1 || !isSameSecret(states[0], state))
      return show(response, 400, 'This is not the answer to a login that was begun here.')
    if (waiting) return show(response, 409, 'This login has been answered.')
    waiting = response
    resolve(url)
  }

  return {
    start: `${origin}${path}`,
    redirectUri,
    answer,
    finish(words) {
      if (waiting) show(waiting, 200, words)
    },
    async [Symbol.asyncDispose]() {
      signal.removeEventListener('abort', stop)
      if (waiting && !waiting.writableEnded) show(waiting, 200, 'The login failed. The terminal says why.')
      const closed = once(server, 'close')
      server.close()
      server.closeIdleConnections()
      await Promise.race([closed, new Promise((done) => setTimeout(done, 500).unref())])
      server.closeAllConnections()
    },
  }
}

const quiet = {
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'",
  // The address of the answer holds the code.
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  Connection: 'close',
}

function show(response: ServerResponse, status: number, words: string): void {
  response.writeHead(status, { ...quiet, 'Content-Type': 'text/html; charset=utf-8' })
  response.end(`<!doctype html><title>Mayfly</title><p>${words}</p>\n`)
}

function cookieIn(request: IncomingMessage, name: string): string | undefined {
  const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim())
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1)
}
