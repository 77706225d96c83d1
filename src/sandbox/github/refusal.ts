import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'

/** A refusal in the shape of all of GitHub's: `{ message, documentation_url, status }`. To be thrown. */
export function refusal(status: ContentfulStatusCode, message: string): HTTPException {
  const body = { message, documentation_url: 'https://docs.github.com/rest', status: String(status) }
  return new HTTPException(status, { message, res: Response.json(body, { status }) })
}
