/** Keeping out: raising a fence, and lifting it. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import type { Clock } from '../base/clock.ts'
import { lift, raise } from '../control/fences.ts'
import { BrokerError } from '../base/errors.ts'
import { liftQuery } from '../wire/admin-schemas.ts'
import { byAdmin } from './authentication.ts'
import { strictJson } from './body.ts'
import type { Env } from './context.ts'
import { adminToken, answers, jsonBody } from './openapi.ts'
import * as schemas from '../wire/schemas.ts'
import { fenceView } from './views.ts'

const fenceId = z.object({ id: z.string().max(100) })

const raising = createRoute({
  method: 'post',
  path: '/v1/admin/fences',
  operationId: 'raiseFence',
  summary: 'Keep out by selector, and leave alone what is open; needs the right `suspend`',
  security: adminToken,
  middleware: [byAdmin('suspend'), strictJson] as const,
  request: { body: jsonBody(schemas.fenceBody) },
  responses: answers({ 201: { schema: schemas.fence, description: 'the fence that stands' } }),
})

const lifting = createRoute({
  method: 'delete',
  path: '/v1/admin/fences/{id}',
  operationId: 'liftFence',
  summary: 'Lift a fence; needs the right `suspend`, and nobody lifts one on an agent they own',
  security: adminToken,
  middleware: byAdmin('suspend'),
  request: { params: fenceId, query: liftQuery },
  responses: answers({ 200: { schema: schemas.fence, description: 'the fence as it stood' } }),
})

export function fenceRoutes(app: OpenAPIHono<Env>): void {
  app.openapi(raising, async (c) => {
    const { core, inForce, admin } = c.var
    const { selector, reason, until } = c.req.valid('json')
    const order = { selector, reason, actor: `admin:${admin.id}` as const, until: endOf(until, core.clock) }
    const fence = await raise(core, inForce.rules, order)
    return c.json(fenceView({ fence, standing: true }, inForce.rules.issuers), 201)
  })

  app.openapi(lifting, async (c) => {
    const { core, inForce, admin } = c.var
    const { id } = c.req.valid('param')
    const fence = await lift(core, inForce.rules, admin, id, c.req.valid('query').reason)
    return c.json(fenceView({ fence, standing: false }, inForce.rules.issuers), 200)
  })
}

/** Milliseconds since 1970. @throws BrokerError `invalid_request` for an end that has come already. */
export function endOf(until: string | undefined, clock: Clock): number | undefined {
  const end = until === undefined ? undefined : Date.parse(until)
  if (end !== undefined && end <= clock.now())
    throw new BrokerError('invalid_request', 'until: is over already')
  return end
}
