/** What `mayfly bootstrap` asks for (docs/decisions/0050). */
import { createRoute, type OpenAPIHono } from '@hono/zod-openapi'
import { clientMetadata, clientMetadataPath } from '../wire/client-metadata.ts'
import type { Env } from './context.ts'
import { answers } from './openapi.ts'

const metadata = createRoute({
  method: 'get',
  path: clientMetadataPath,
  operationId: 'getClientMetadata',
  summary: 'Where people log in, with which public clients, and the CA of this broker',
  responses: answers({ 200: { schema: clientMetadata, description: 'public facts of the configuration' } }),
})

export function clientMetadataRoutes(app: OpenAPIHono<Env>): void {
  app.openapi(metadata, (c) => {
    const { url, clientCa, rules, admins } = c.var.inForce
    const issuers = [...rules.issuers.values()].flatMap(({ name, issuer, audiences, login }) => {
      if (!login) return []
      const { clientId, adminClientId = null, scopes, ca } = login
      return [
        {
          name,
          issuer,
          client_id: clientId,
          admin_client_id: adminClientId,
          scopes: [...scopes],
          audiences: [...audiences],
          admin_audiences: admins.audiences({ name, audiences }),
          ca: ca ? [...ca] : null,
        },
      ]
    })
    return c.json({ url, ca: clientCa ? [...clientCa] : null, issuers }, 200)
  })
}
