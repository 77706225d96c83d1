/** Makes a server fail on demand, in the ways in which real upstreams have failed. */
import type { HttpBindings } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { MiddlewareHandler } from 'hono'
import type { Clock } from '../clock.ts'

/** The request line, its path without the query. */
export interface RequestLine {
  method: string
  path: string
}

/** What goes wrong, for which requests, and how often. */
export type Fault = {
  /** Default: every request. */
  on?: (request: RequestLine) => boolean
  /** Default: until cleared. */
  times?: number
} & (
  | {
      /** Answered so and not processed. A string is sent as it is, anything else as JSON. */
      kind: 'status'
      status: number
      headers?: Record<string, string>
      body?: unknown
    }
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

export function createFaults(clock: Clock): {
  faults: Faults
  inject: MiddlewareHandler<{ Bindings: HttpBindings }>
} {
  const armed = new Set<{ fault: Fault; hits: number }>()

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
        case 'status':
          return answer(fault)
        case 'hang':
          await new Promise((resolve) => outgoing.once('close', resolve))
          return RESPONSE_ALREADY_SENT
        case 'reset':
          incoming.socket.resetAndDestroy()
          return RESPONSE_ALREADY_SENT
      }
      await next()
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

function answer({ status, headers = {}, body }: Extract<Fault, { kind: 'status' }>): Response {
  if (body === undefined) return new Response(null, { status, headers })
  if (typeof body === 'string') return new Response(body, { status, headers })
  return Response.json(body, { status, headers })
}
