/** Makes a server fail on demand, in the ways in which real upstreams have failed. */
import type { HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Context, MiddlewareHandler } from 'hono'
import type { Clock } from '../base/clock.ts'

/** The request line, its path without the query. */
export interface RequestLine {
  method: string
  path: string
}

/** How an upstream words its answers, by which its clients tell it from whatever stands in front of it. */
export interface Voice {
  /** Headers that each of its answers has. */
  headers(): Record<string, string>
  /** The body of a refusal, JSON unless it is a string. */
  refusal(status: number): unknown
  /** What it answers to this request once that is done. */
  done(c: Context): Promise<Response>
}

/** What goes wrong, for which requests, and how often. */
export type Fault = {
  /** Default: every request. */
  on?: (request: RequestLine) => boolean
  /** Default: until cleared. */
  times?: number
} & (
  | {
      /**
       * Not processed, and answered so by upstream itself, with its headers. Default of
       * `body`: as it words a refusal. A string is sent as it is, anything else as JSON.
       */
      kind: 'status'
      status: number
      headers?: Record<string, string>
      body?: unknown
    }
  /** Not processed: a proxy, a firewall or an incident in front of upstream answers. Default: a page, and 403. */
  | { kind: 'stranger'; status?: number; body?: unknown }
  /** Not processed, and answered as if it were done. */
  | { kind: 'pretend' }
  /** Processed, and answered with what the request of its method and path before it was answered, if there was one. */
  | { kind: 'anothers' }
  /** Neither processed nor answered, until the client or the server closes. */
  | { kind: 'hang' }
  /** The connection is cut, the request not processed. */
  | { kind: 'reset' }
  /** Processed, then the connection is cut: the client cannot know. */
  | { kind: 'reset-after-processing' }
  /** Processed, and answered `ms` milliseconds later. */
  | { kind: 'slow'; ms: number }
  /** Processed, and the answer is a success whose body is not the JSON that it says it is. */
  | { kind: 'garbage' }
  /** Processed, and the answer's JSON changed; `undefined` stands for no body. */
  | { kind: 'rewrite'; rewrite: (body: unknown) => unknown }
)

/** Of several faults that fit a request, the one added first strikes, alone. */
export interface Faults {
  /** `hits` counts the requests that it has struck so far. */
  add(fault: Fault): { clear(): void; readonly hits: number }
  clear(): void
}

export function createFaults(
  clock: Clock,
  voice: Voice | undefined,
): {
  faults: Faults
  inject: MiddlewareHandler<{ Bindings: HttpBindings }>
} {
  const armed = new Set<{ fault: Fault; hits: number }>()
  const answers = new Map<string, Kept>()

  const strike = (request: RequestLine): Fault | undefined => {
    for (const trap of armed) {
      if (trap.fault.on?.(request) === false) continue
      trap.hits += 1
      if (trap.hits === trap.fault.times) armed.delete(trap)
      return trap.fault
    }
    return undefined
  }

  return {
    faults: {
      add(fault) {
        const trap = { fault, hits: 0 }
        if (fault.times !== 0) armed.add(trap)
        return {
          clear: () => void armed.delete(trap),
          get hits() {
            return trap.hits
          },
        }
      },
      clear: () => armed.clear(),
    },

    async inject(c, next) {
      const fault = strike({ method: c.req.method, path: c.req.path })
      const { incoming, outgoing } = c.env
      switch (fault?.kind) {
        case 'status': {
          const { status, headers, body = status < 300 ? undefined : voice?.refusal(status) } = fault
          return answer(status, { ...voice?.headers(), ...headers }, body)
        }
        case 'stranger':
          return answer(fault.status ?? 403, { server: 'gateway' }, fault.body ?? page)
        case 'pretend':
          c.res = (await voice?.done(c)) ?? new Response(null, { status: 204 })
          for (const [name, value] of Object.entries(voice?.headers() ?? {})) c.header(name, value)
          return undefined
        case 'hang':
          await new Promise((resolve) => outgoing.once('close', resolve))
          return RESPONSE_ALREADY_SENT
        case 'reset':
          incoming.socket.resetAndDestroy()
          return RESPONSE_ALREADY_SENT
      }
      await next()
      for (const [name, value] of Object.entries(voice?.headers() ?? {})) c.header(name, value)
      const place = `${c.req.method} ${c.req.path}`
      const before = answers.get(place)
      if ([...armed].some((trap) => trap.fault.kind === 'anothers')) answers.set(place, await kept(c.res))
      switch (fault?.kind) {
        case 'reset-after-processing':
          incoming.socket.resetAndDestroy()
          c.res = RESPONSE_ALREADY_SENT
          break
        case 'slow':
          await new Promise<void>((resolve) => {
            const timer = clock.after(fault.ms, resolve)
            outgoing.once('close', () => {
              timer.cancel()
              resolve()
            })
          })
          break
        case 'garbage': {
          const status = c.res.status === 201 ? 201 : 200
          c.res = new Response('<html>', { status, headers: { 'content-type': 'application/json' } })
          break
        }
        case 'anothers':
          if (before) c.res = new Response(before.body, before)
          break
        case 'rewrite': {
          const text = await c.res.text()
          const body = fault.rewrite(text === '' ? undefined : JSON.parse(text))
          c.res = new Response(body === undefined ? null : JSON.stringify(body), c.res)
          break
        }
      }
    },
  }
}

/** What a client gets to see that is not let through. */
const page = '<html><head><title>Forbidden</title></head><body>Access denied<br></body></html>'

function answer(status: number, headers: Record<string, string>, body: unknown): Response {
  if (body === undefined) return new Response(null, { status, headers })
  if (typeof body !== 'string') return Response.json(body, { status, headers })
  const type = /^<html/i.test(body) ? { 'content-type': 'text/html' } : undefined
  return new Response(body, { status, headers: { ...type, ...headers } })
}

/** An answer that can be given again. */
interface Kept {
  status: number
  headers: [string, string][]
  body: string | null
}

async function kept(response: Response): Promise<Kept> {
  const { status, headers } = response
  const text = await response.clone().text()
  return { status, headers: [...headers], body: text === '' ? null : text }
}
