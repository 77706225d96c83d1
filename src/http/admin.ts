/** What an admin does: see, approve, stop. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { listAgents } from '../control/agents.ts'
import type { Admin } from '../control/authenticate.ts'
import type { InForce } from '../control/in-force.ts'
import { revokeBySelector } from '../control/revocations.ts'
import { resumeAgent, suspendAgent } from '../control/suspend.ts'
import { BrokerError } from '../errors.ts'
import { sayFault } from '../fault.ts'
import { approve, type Approver, deny } from '../tasks/approve.ts'
import { readTask } from '../tasks/read.ts'
import { cursorOf } from './admin-cursor.ts'
import * as shapes from './admin-schemas.ts'
import { byAdmin } from './authentication.ts'
import { strictJson } from './body.ts'
import type { Env, HttpContext } from './context.ts'
import { adminToken, answers, jsonBody } from './openapi.ts'
import * as schemas from './schemas.ts'
import {
  agentView,
  approvalRequestView,
  adminLeaseView,
  eventView,
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
const audit = listRoute('/v1/admin/audit', shapes.auditQuery, shapes.auditEvent)

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

  app.openapi(revocations, async (c) => {
    const { tasks, inForce, admin } = c.var
    const { selector: said, reason } = c.req.valid('json')
    const selector = 'issuer' in said ? named(said, inForce) : said
    const report = await revokeBySelector(tasks, { selector, reason, actor: `admin:${admin.id}` })
    return c.json(revocationView(report), 200)
  })

  app.openapi(answerRoute('approve'), async (c) => {
    const { tasks, inForce, admin } = c.var
    const answer = { ...c.req.valid('json'), approval: c.req.valid('param').id }
    return c.json(taskView(await approve(tasks, inForce.rules, approverOf(admin), answer)), 200)
  })

  app.openapi(answerRoute('deny'), async (c) => {
    const { tasks, admin } = c.var
    const answer = { ...c.req.valid('json'), approval: c.req.valid('param').id }
    return c.json(taskView(await deny(tasks, approverOf(admin), answer)), 200)
  })

  app.openapi(agentRoute('suspend'), async (c) => {
    const { tasks, inForce, admin } = c.var
    const { name } = c.req.valid('param')
    await suspendAgent(tasks, inForce.rules, admin, name, c.req.valid('json').reason)
    const [agent] = await listAgents(tasks, inForce.rules, { name })
    return c.json(agentView(agent!), 200)
  })

  app.openapi(agentRoute('resume'), async (c) => {
    const { tasks, inForce, admin } = c.var
    const { name } = c.req.valid('param')
    await resumeAgent(tasks, inForce.rules, admin, name, c.req.valid('json').reason)
    const [agent] = await listAgents(tasks, inForce.rules, { name })
    return c.json(agentView(agent!), 200)
  })

  app.openapi(reload, async (c) => {
    const faults = await context.reload(`admin:${c.var.admin.id}`)
    const [fault] = faults
    if (fault)
      throw new BrokerError(
        'conflict',
        `the configuration was refused and the one in force stays: ${sayFault(fault)}${faults.length > 1 ? `, and ${faults.length - 1} more` : ''}`,
      )
    return c.json({ status: 'reloaded' as const }, 200)
  })
}

function listRoutes(app: OpenAPIHono<Env>): void {
  app.openapi(agents, async (c) => {
    const { limit, cursor, ...filter } = c.req.valid('query')
    const all = await listAgents(c.var.tasks, c.var.inForce.rules, filter)
    // By name: the place is the last name seen.
    const after = cursor === undefined ? all : all.filter(({ agent }) => agent.name > cursor)
    const items = after.slice(0, limit)
    const next = after.length > limit ? items.at(-1)!.agent.name : null
    return c.json({ items: items.map(agentView), next: cursorOf('agents', next) }, 200)
  })

  app.openapi(tasks, async (c) => {
    const { tasks: context } = c.var
    const { limit, cursor, status, ...filter } = c.req.valid('query')
    const page = await context.unit.read((tx) =>
      context.tasks.list(
        tx,
        { ...given(named(filter, c.var.inForce)), ...(status && { statuses: [status] }) },
        { limit, cursor },
      ),
    )
    const views = await Promise.all(page.items.map((task) => readTask(context, task.id)))
    return c.json({ items: views.map(taskView), next: cursorOf('tasks', page.next) }, 200)
  })

  app.openapi(leases, async (c) => {
    const { tasks: context } = c.var
    const { limit, cursor, status, ...filter } = c.req.valid('query')
    const page = await context.unit.read((tx) =>
      context.leases.list(
        tx,
        { ...given(named(filter, c.var.inForce)), ...(status && { statuses: [status] }) },
        { limit, cursor },
      ),
    )
    return c.json({ items: page.items.map(adminLeaseView), next: cursorOf('leases', page.next) }, 200)
  })

  app.openapi(approvals, async (c) => {
    const { tasks: context } = c.var
    const { limit, cursor, ...filter } = c.req.valid('query')
    const page = await context.unit.read(async (tx) => {
      const { items, next } = await context.approvals.list(tx, given(filter), { limit, cursor })
      const requests = items.map(async (approval) => ({
        approval,
        task: (await context.tasks.get(tx, approval.task))!,
        all: await context.approvals.ofTask(tx, approval.task),
      }))
      return { items: await Promise.all(requests), next }
    })
    return c.json({ items: page.items.map(approvalRequestView), next: cursorOf('approvals', page.next) }, 200)
  })

  app.openapi(audit, async (c) => {
    const { tasks: context } = c.var
    const { limit, cursor, ...filter } = c.req.valid('query')
    const page = await context.unit.read((tx) => context.audit.list(tx, given(filter), { limit, cursor }))
    return c.json({ items: page.items.map(eventView), next: cursorOf('audit', page.next) }, 200)
  })
}

/** Only the members that were given: a filter that is not there filters nothing. */
function given<Filter extends object>(filter: Filter): { [Key in keyof Filter]?: NonNullable<Filter[Key]> } {
  const entries = Object.entries(filter).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries) as { [Key in keyof Filter]?: NonNullable<Filter[Key]> }
}

/** An issuer goes by its configured name. Its URL, all that a token shows of it, is understood too. */
function named<Said extends { issuer?: string | undefined }>(said: Said, { rules }: InForce): Said {
  const issuer = said.issuer === undefined ? undefined : rules.issuers.get(said.issuer)
  return issuer ? { ...said, issuer: issuer.name } : said
}

function approverOf({ id, subject, email, entries }: Admin): Approver {
  return { id, subject, email, groups: entries.map((entry) => entry.name) }
}
