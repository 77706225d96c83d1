/** What an admin sees, in lists that are filtered and come in pages. */
import { createRoute, type OpenAPIHono, type z } from '@hono/zod-openapi'
import { listAgents } from '../control/agents.ts'
import type { InForce } from '../control/in-force.ts'
import { listApprovals, listFences, listLeases, listTasks } from '../control/lists.ts'
import { ownedBy } from '../control/selector.ts'
import { cursorOf } from '../wire/admin-cursor.ts'
import * as shapes from '../wire/admin-schemas.ts'
import * as schemas from '../wire/schemas.ts'
import { byAdmin } from './authentication.ts'
import type { Env } from './context.ts'
import { adminToken, answers } from './openapi.ts'
import { adminLeaseView, agentView, approvalRequestView, fenceView, taskView } from './views.ts'

/** One list. */
export function listRoute<Path extends string, Query extends z.ZodObject, Item extends z.ZodType>(
  path: Path,
  query: Query,
  item: Item,
) {
  const what = path.slice(path.lastIndexOf('/') + 1)
  return createRoute({
    method: 'get',
    path,
    operationId: `list${what.charAt(0).toUpperCase()}${what.slice(1)}`,
    summary: `List ${what}, filtered, in pages; needs the right \`read\``,
    security: adminToken,
    middleware: byAdmin('read'),
    request: { query },
    responses: answers({ 200: { schema: shapes.page(item), description: `a page of ${what}` } }),
  })
}

const agents = listRoute('/v1/admin/agents', shapes.agentsQuery, shapes.agent)
const tasks = listRoute('/v1/admin/tasks', shapes.tasksQuery, schemas.task)
const leases = listRoute('/v1/admin/leases', shapes.leasesQuery, shapes.adminLease)
const approvals = listRoute('/v1/admin/approvals', shapes.approvalsQuery, shapes.approvalRequest)
const fences = listRoute('/v1/admin/fences', shapes.fencesQuery, schemas.fence)

export function listRoutes(app: OpenAPIHono<Env>): void {
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
    const views = items.map((item) => taskView(item, core))
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
    const views = items.map((item) => approvalRequestView(item, core))
    return c.json({ items: views, next: cursorOf('approvals', next) }, 200)
  })

  app.openapi(fences, async (c) => {
    const { limit, cursor, ...filter } = c.req.valid('query')
    const { issuers } = c.var.inForce.rules
    const { items, next } = await listFences(c.var.core, filter, { limit, cursor })
    const shown = items.map((view) => fenceView(view, issuers))
    return c.json({ items: shown, next: cursorOf('fences', next) }, 200)
  })
}

/** An issuer goes by its configured name. Its URL, all that a token shows of it, is understood too. */
function named<Said extends { issuer?: string | undefined }>(said: Said, { rules }: InForce): Said {
  const issuer = said.issuer === undefined ? undefined : rules.issuers.get(said.issuer)
  return issuer ? { ...said, issuer: issuer.name } : said
}

/** An owner is meant then or now: what was theirs when it came to be, and what is of their agents. */
function owned<Said extends { owner?: string | undefined }>(said: Said, { rules }: InForce) {
  return { ...said, ...(said.owner !== undefined && ownedBy(rules, said.owner)) }
}
