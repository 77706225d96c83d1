import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'

/** A refusal in the shape of all of Vault's: `{ errors }` ("HTTP API", "Error response"). To be thrown. */
export function refusal(status: ContentfulStatusCode, error: string): HTTPException {
  return new HTTPException(status, { message: error, res: Response.json({ errors: [error] }, { status }) })
}

/** For a token that is alive but may not do this. */
export function denied(): HTTPException {
  return refusal(403, several('permission denied'))
}

/** As Go's `multierror` prints even a single one. */
export function several(error: string): string {
  return `1 error occurred:\n\t* ${error}\n\n`
}
