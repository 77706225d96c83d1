/** What an admin does. */
import { createRoute, type OpenAPIHono } from '@hono/zod-openapi'
import { revokeBySelector } from '../control/revocations.ts'
import { byAdmin } from './authentication.ts'
import { strictJson } from './body.ts'
import type { Env } from './context.ts'
import { adminToken, answers, jsonBody } from './openapi.ts'
import * as schemas from './schemas.ts'
import { revocationView } from './views.ts'

const revocations = createRoute({
  method: 'post',
  path: '/v1/admin/revocations',
  summary: 'End tasks and revoke their leases by selector; needs the right `revoke`',
  security: adminToken,
  middleware: [byAdmin('revoke'), strictJson] as const,
  request: { body: jsonBody(schemas.revocationBody) },
  responses: answers({
    200: { schema: schemas.revocation, description: 'what was ended, and how each lease stands' },
  }),
})

export function adminRoutes(app: OpenAPIHono<Env>): void {
  app.openapi(revocations, async (c) => {
    const { tasks, admin } = c.var
    const report = await revokeBySelector(tasks, { ...c.req.valid('json'), actor: `admin:${admin.id}` })
    return c.json(revocationView(report), 200)
  })
}
