/** Refusals as octo-sts' clients read them: `google.rpc.Status` as grpc-gateway writes it. */
import type { Context } from 'hono'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { z } from '@hono/zod-openapi'
import type { stsError } from '../wire/sts-schemas.ts'
import type { Env } from './context.ts'
import { asRefusal, statusOf } from './problem.ts'

/** By HTTP's status. https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto */
const codes = new Map<number, number>([
  [400, 3],
  [401, 16],
  [403, 7],
  [404, 5],
  [429, 8],
  [500, 13],
])

/** What such a service has no status for, as what comes nearest to it: upstream's refusal is one, an outage is its own. */
const nearest = new Map<number, ContentfulStatusCode>([
  [409, 403],
  [422, 403],
  [503, 500],
])

export function stsProblem(c: Context<Env>, thrown: unknown): Response {
  const error = asRefusal(thrown)
  const own = statusOf(error)
  const status = nearest.get(own) ?? own
  const { retryAfter } = error.facts
  if (retryAfter !== undefined) c.header('Retry-After', String(Math.ceil(retryAfter)))
  if (status === 413) c.header('Connection', 'close')
  const code = codes.get(status) ?? 3
  return c.json({ code, message: error.message, details: [] } satisfies z.infer<typeof stsError>, status)
}
