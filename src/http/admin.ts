/** What an admin does: approve, stop, reload; what they see is in lists and the record. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { readAgent } from '../control/agents.ts'
import { requireRight } from '../control/authenticate.ts'
import { isContainment, revokeBySelector } from '../control/revocations.ts'
import { resumeAgent, suspendAgent } from '../control/suspend.ts'
import { BrokerError } from '../base/errors.ts'
import { sayFault } from '../base/fault.ts'
import { approve, approverOf, deny } from '../control/approve.ts'
import * as shapes from '../wire/admin-schemas.ts'
import { byAdmin } from './authentication.ts'
import { strictJson } from './body.ts'
import type { Env, HttpContext } from './context.ts'
import { endOf, fenceRoutes } from './fences.ts'
import { listRoutes } from './lists.ts'
import { adminToken, answers, jsonBody } from './openapi.ts'
import { recordRoutes } from './record.ts'
import * as schemas from '../wire/schemas.ts'
import { agentView, revocationView, taskView } from './views.ts'

const security = adminToken
const approvalId = z.object({ id: z.string().max(100) })
const agentName = z.object({ name: z.string().max(100) })

const revocations = createRoute({
  method: 'post',
  path: '/v1/admin/revocations',
  operationId: 'orderRevocation',
  summary: 'End tasks and revoke their leases by selector; needs the right `revoke`',
  security,
  middleware: [byAdmin('revoke'), strictJson] as const,
  request: { body: jsonBody(schemas.revocationBody) },
  responses: answers({
    200: { schema: schemas.revocation, description: 'what was ended, and how each lease stands' },
  }),
})

function answerRoute<Verb extends 'approve' | 'deny'>(verb: Verb) {
  return createRoute({
    method: 'post',
    path: `/v1/admin/approvals/{id}/${verb}`,
    operationId: `${verb}Request`,
    summary: `${verb} exactly the request that has this digest; needs the right \`approve\``,
    security,
    middleware: [byAdmin('approve'), strictJson] as const,
    request: { params: approvalId, body: jsonBody(shapes.answerBody) },
    responses: answers({ 200: { schema: schemas.task, description: 'the task as it is now' } }),
  })
}

function agentRoute<Verb extends 'suspend' | 'resume'>(verb: Verb) {
  return createRoute({
    method: 'post',
    path: `/v1/admin/agents/{name}/${verb}`,
    operationId: `${verb}Agent`,
    summary: `${verb} an agent; needs the right \`suspend\``,
    security,
    middleware: [byAdmin('suspend'), strictJson] as const,
    request: { params: agentName, body: jsonBody(shapes.reasonBody) },
    responses: answers({ 200: { schema: shapes.agent, description: 'the agent as it is now' } }),
  })
}

const reload = createRoute({
  method: 'post',
  path: '/v1/admin/reload',
  operationId: 'reloadConfiguration',
  summary: 'Read the configuration again; needs the right `suspend`',
  security,
  middleware: byAdmin('suspend'),
  responses: answers({ 200: { schema: shapes.reloaded, description: 'the new configuration is in force' } }),
})

export function adminRoutes(app: OpenAPIHono<Env>, context: HttpContext): void {
  listRoutes(app)
  recordRoutes(app)
  fenceRoutes(app)

  app.openapi(revocations, async (c) => {
    const { core, inForce, admin } = c.var
    const { until, ...said } = c.req.valid('json')
    if (isContainment(said)) await requireRight(core, admin, 'suspend')
    const order = { ...said, actor: `admin:${admin.id}` as const, until: endOf(until, core.clock) }
    const report = await revokeBySelector(core, inForce.rules, order)
    return c.json(revocationView(report, inForce.rules.issuers), 200)
  })

  app.openapi(answerRoute('approve'), async (c) => {
    const { core, inForce, admin } = c.var
    const answer = { ...c.req.valid('json'), approval: c.req.valid('param').id }
    return c.json(taskView(await approve(core, inForce.rules, approverOf(admin), answer), core), 200)
  })

  app.openapi(answerRoute('deny'), async (c) => {
    const { core, admin } = c.var
    const answer = { ...c.req.valid('json'), approval: c.req.valid('param').id }
    return c.json(taskView(await deny(core, approverOf(admin), answer), core), 200)
  })

  app.openapi(agentRoute('suspend'), async (c) => {
    const { core, inForce, admin } = c.var
    const { name } = c.req.valid('param')
    await suspendAgent(core, inForce.rules, admin, name, c.req.valid('json').reason)
    return c.json(agentView(await readAgent(core, inForce.rules, name)), 200)
  })

  app.openapi(agentRoute('resume'), async (c) => {
    const { core, inForce, admin } = c.var
    const { name } = c.req.valid('param')
    await resumeAgent(core, inForce.rules, admin, name, c.req.valid('json').reason)
    return c.json(agentView(await readAgent(core, inForce.rules, name)), 200)
  })

  app.openapi(reload, async (c) => {
    const faults = await context.reload(`admin:${c.var.admin.id}`, c.var.core)
    const [fault, ...more] = faults.filter(({ warning }) => !warning)
    if (fault)
      throw new BrokerError(
        'conflict',
        `the configuration was refused and the one in force stays: ${sayFault(fault)}${more.length > 0 ? `, and ${more.length} more` : ''}`,
      )
    return c.json({ status: 'reloaded' as const, warnings: faults.map(sayFault) }, 200)
  })
}
