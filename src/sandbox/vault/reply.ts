import type { Context } from 'hono'
import { randomUUID } from 'node:crypto'
import { z, type ZodType } from 'zod'
import { refusal } from './refusal.ts'

/** The envelope of every answer with a body ("HTTP API", `logical.HTTPResponse`). */
export function reply(c: Context, given: Record<string, unknown>): Response {
  return c.json({
    request_id: randomUUID(),
    lease_id: '',
    renewable: false,
    lease_duration: 0,
    data: null,
    wrap_info: null,
    warnings: null,
    auth: null,
    ...given,
  })
}

/** The request's JSON. Fields that the sandbox does not know are refused, which Vault would only warn of. */
export async function readBody<T>(c: Context, schema: ZodType<T>): Promise<T> {
  let body: unknown
  try {
    body = JSON.parse((await c.req.text()) || '{}')
  } catch {
    throw refusal(400, 'failed to decode JSON input: unexpected EOF')
  }
  const { data, error } = schema.safeParse(body)
  if (error) throw refusal(400, `field validation failed: ${z.prettifyError(error)}`)
  return data as T
}

/** `framework.TypeDurationSecond` to seconds: a number, or text with a unit. */
export const duration = z
  .union([z.int().nonnegative().transform(String), z.string()])
  .transform((text, issues): number => {
    const { count, unit = 's' } = /^(?<count>\d+)(?<unit>[smh])?$/.exec(text)?.groups ?? {}
    if (count === undefined) {
      issues.addIssue('is not a duration')
      return z.NEVER
    }
    return Number(count) * { s: 1, m: 60, h: 3600 }[unit as 's' | 'm' | 'h']
  })
