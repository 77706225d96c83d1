/** The shapes of octo-sts' exchange, as its clients send and read them. */
import { z } from '@hono/zod-openapi'

const scope = z.string().openapi({ description: 'OWNER/REPO, or OWNER', example: 'acme/web' })

/** Each at most once in the query or, with POST, in a JSON body. */
export const stsQuery = z.object({
  scope: scope.optional(),
  scopes: scope.optional().openapi({ description: 'the same in its newer name; one' }),
  identity: z
    .string()
    .openapi({ description: "as whom: what the agent's `sts.identity` says", example: 'release' }),
})

/** In a body `scopes` is a list. Whatever else stands there is of no concern here. */
export const stsBody = z
  .object({
    scope: z.string().optional(),
    scopes: z.union([z.string(), z.array(z.string())]).optional(),
    identity: z.string().optional(),
  })
  .openapi('StsExchange')

/** Strict clients break on any other member. */
export const rawToken = z
  .object({ token: z.string(), refreshToken: z.literal(''), expiry: z.null() })
  .openapi('RawToken')

/** google.rpc.Status */
export const stsError = z
  .object({ code: z.int(), message: z.string(), details: z.array(z.unknown()).max(0) })
  .openapi('StsError')
