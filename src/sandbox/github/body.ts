import type { HonoRequest } from 'hono'
import type { ZodType } from 'zod'
import { refusal } from './refusal.ts'

/**
 * The request's JSON, an absent body being an empty object. The three refusals
 * are those of "Troubleshooting the REST API".
 */
export async function readBody<T>(request: HonoRequest, schema: ZodType<T>): Promise<T> {
  const text = await request.text()
  let body: unknown = {}
  try {
    if (text !== '') body = JSON.parse(text)
  } catch {
    throw refusal(400, 'Problems parsing JSON')
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw refusal(400, 'Body should be a JSON object')
  }
  const { data, error } = schema.safeParse(body)
  if (error)
    throw refusal(422, `Invalid request.\n\n${error.issues.map((issue) => issue.message).join('\n')}`)
  return data as T
}
