/** What an admin does: see, approve, stop. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { listAgents, readAgent } from '../control/agents.ts'
import { type Admin, requireRight } from '../control/authenticate.ts'
import type { InForce } from '../control/in-force.ts'
import { listApprovals, listEvents, listFences, listLeases, listTasks, readEvent } from '../control/lists.ts'
import { find } from '../control/find.ts'
import { isContainment, revokeBySelector } from '../control/revocations.ts'
import { ownedBy } from '../control/selector.ts'
import { resumeAgent, suspendAgent } from '../control/suspend.ts'
import { BrokerError } from '../base/errors.ts'
import { sayFault } from '../base/fault.ts'
import { approve, type Approver, deny } from '../control/approve.ts'
import { cursorOf } from '../wire/admin-cursor.ts'
import * as shapes from '../wire/admin-schemas.ts'
import { byAdmin } from './authentication.ts'
import { strictJson } from './body.ts'
import type { Env, HttpContext } from './context.ts'
import { endOf, fenceRoutes } from './fences.ts'
import { adminToken, answers, jsonBody } from './openapi.ts'
import * as schemas from '../wire/schemas.ts'
import {
  agentView,
  approvalRequestView,
  adminLeaseView,
  eventView,
  fenceView,
  revocationView,
  taskView,
} from './views.ts'

const security = adminToken
const readers = byAdmin('read')
const approvalId = z.object({ id: z.string().max(100) })
const agentName = z.object({ name: z.string().max(100) })

function listRoute<Path extends string, Query extends z.ZodObject, Item extends z.ZodType>(
  path: Path,
  query: Query,
  item: Item,
) {
  const what = path.slice(path.lastIndexOf('/') + 1)
  return createRoute({
    method: 'get',
    path,
    summary: `List ${what}, filtered, in pages; needs the right \`read\``,
    security,
    middleware: readers,
    request: { query },
    responses: answers({ 200: { schema: shapes.page(item), description: `a page of ${what}` } }),
  })
}

const agents = listRoute('/v1/admin/agents', shapes.agentsQuery, shapes.agent)
const tasks = listRoute('/v1/admin/tasks', shapes.tasksQuery, schemas.task)
const leases = listRoute('/v1/admin/leases', shapes.leasesQuery, shapes.adminLease)
const approvals = listRoute('/v1/admin/approvals', shapes.approvalsQuery, shapes.approvalRequest)
const fences = listRoute('/v1/admin/fences', shapes.fencesQuery, schemas.fence)
const audit = listRoute('/v1/admin/audit', shapes.auditQuery, shapes.auditEvent)

const event = createRoute({
  method: 'get',
  path: '/v1/admin/audit/{seq}',
  summary: 'Read one event of the record; needs the right `read`',
  security,
  middleware: readers,
  request: { params: z.object({ seq: z.coerce.number<string>().int().min(1) }) },
  responses: answers({ 200: { schema: shapes.auditEvent, description: 'the event' } }),
})

const finding = createRoute({
  method: 'post',
  path: '/v1/admin/find',
  summary: 'Whose a token is that turned up somewhere, by its hash or fingerprint; needs the right `read`',
  security,
  middleware: [readers, strictJson] as const,
  request: { body: jsonBody(shapes.clue) },
  responses: answers({ 200: { schema: shapes.findings, description: 'what it is; empty where it is unknown' } }),
})

const revocations = createRoute({
  method: 'post',
  path: '/v1/admin/revocations',
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
  summary: 'Read the configuration again; needs the right `suspend`',
  security,
  middleware: byAdmin('suspend'),
  responses: answers({ 200: { schema: shapes.reloaded, description: 'the new configuration is in force' } }),
})

export function adminRoutes(app: OpenAPIHono<Env>, context: HttpContext): void {
  listRoutes(app)
  findRoute(app)
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
    return c.json(
      taskView(await approve(core, inForce.rules, approverOf(admin), answer), core.connections()),
      200,
    )
  })

  app.openapi(answerRoute('deny'), async (c) => {
    const { core, admin } = c.var
    const answer = { ...c.req.valid('json'), approval: c.req.valid('param').id }
    return c.json(taskView(await deny(core, approverOf(admin), answer), core.connections()), 200)
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

function findRoute(app: OpenAPIHono<Env>): void {
  app.openapi(finding, async (c) => {
    const { core } = c.var
    const items = (await find(core, c.req.valid('json'))).map(({ task, lease }) => ({
      kind: lease ? ('credential' as const) : ('task_token' as const),
      task: taskView(task, core.connections()),
      lease: lease && adminLeaseView(lease),
    }))
    return c.json({ items }, 200)
  })
}

function listRoutes(app: OpenAPIHono<Env>): void {
  app.openapi(agents, async (c) => {
    const { limit, cursor, ...filter } = c.req.valid('query')
    const { items, next } = await listAgents(c.var.core, c.var.inForce.rules, filter, { limit, cursor })
    return c.json({ items: items.map(agentView), next: cursorOf('agents', next) }, 200)
  })

  app.openapi(tasks, async (c) => {
    const { limit, cursor, status, ...said } = c.req.valid('query')
    const filter = { ...owned(named(said, c.var.inForce), c.var.inForce), statuses: status && [status] }
    const { core } = c.var
    const { items, next } = await listTasks(core, filter, { limit, cursor })
    const views = items.map((item) => taskView(item, core.connections()))
    return c.json({ items: views, next: cursorOf('tasks', next) }, 200)
  })

  app.openapi(leases, async (c) => {
    const { limit, cursor, status, ...said } = c.req.valid('query')
    const filter = { ...owned(named(said, c.var.inForce), c.var.inForce), statuses: status && [status] }
    const { items, next } = await listLeases(c.var.core, filter, { limit, cursor })
    return c.json({ items: items.map(adminLeaseView), next: cursorOf('leases', next) }, 200)
  })

  app.openapi(approvals, async (c) => {
    const { limit, cursor, ...filter } = c.req.valid('query')
    const whose = owned(filter, c.var.inForce)
    const { core } = c.var
    const { items, next } = await listApprovals(core, whose, { limit, cursor })
    const views = items.map((item) => approvalRequestView(item, core.connections()))
    return c.json({ items: views, next: cursorOf('approvals', next) }, 200)
  })

  app.openapi(fences, async (c) => {
    const { limit, cursor, ...filter } = c.req.valid('query')
    const { issuers } = c.var.inForce.rules
    const { items, next } = await listFences(c.var.core, filter, { limit, cursor })
    const shown = items.map((view) => fenceView(view, issuers))
    return c.json({ items: shown, next: cursorOf('fences', next) }, 200)
  })

  app.openapi(audit, async (c) => {
    const { limit, cursor, order, request_id: request, since, until, ...said } = c.req.valid('query')
    const filter = { ...said, request, since: momentOf(since), until: momentOf(until) }
    const page = { limit, cursor, oldestFirst: order === 'oldest' }
    const { items, next } = await listEvents(c.var.core, filter, page)
    return c.json({ items: items.map(eventView), next: cursorOf('audit', next) }, 200)
  })

  app.openapi(event, async (c) =>
    c.json(eventView(await readEvent(c.var.core, c.req.valid('param').seq)), 200),
  )
}

const momentOf = (text: string | undefined) => (text === undefined ? undefined : Date.parse(text))

/** An issuer goes by its configured name. Its URL, all that a token shows of it, is understood too. */
function named<Said extends { issuer?: string | undefined }>(said: Said, { rules }: InForce): Said {
  const issuer = said.issuer === undefined ? undefined : rules.issuers.get(said.issuer)
  return issuer ? { ...said, issuer: issuer.name } : said
}

/** An owner is meant then or now: what was theirs when it came to be, and what is of their agents. */
function owned<Said extends { owner?: string | undefined }>(said: Said, { rules }: InForce) {
  return { ...said, ...(said.owner !== undefined && ownedBy(rules, said.owner)) }
}

function approverOf({ entries, ...human }: Admin): Approver {
  return { ...human, groups: entries.map((entry) => entry.name) }
}
