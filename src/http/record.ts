/** The record as an admin reads it, and whose a token is that turned up somewhere. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import type { EventFilter, EventPageRequest } from '../audit/event.ts'
import { find } from '../control/find.ts'
import { type Asked, listEvents, readEvent } from '../control/lists.ts'
import { cursorOf } from '../wire/admin-cursor.ts'
import * as shapes from '../wire/admin-schemas.ts'
import { byAdmin } from './authentication.ts'
import { strictJson } from './body.ts'
import type { Env } from './context.ts'
import { listRoute } from './lists.ts'
import { adminToken, answers, jsonBody } from './openapi.ts'
import { adminLeaseView, eventView, taskView } from './views.ts'

const security = adminToken
const readers = byAdmin('read')

const audit = listRoute('/v1/admin/audit', shapes.auditQuery, shapes.auditEvent)

const event = createRoute({
  method: 'get',
  path: '/v1/admin/audit/{seq}',
  operationId: 'readEvent',
  summary: 'Read one event of the record; needs the right `read`',
  security,
  middleware: readers,
  request: { params: z.object({ seq: z.coerce.number<string>().int().min(1) }) },
  responses: answers({ 200: { schema: shapes.auditEvent, description: 'the event' } }),
})

const finding = createRoute({
  method: 'post',
  path: '/v1/admin/find',
  operationId: 'find',
  summary: 'Whose a token is that turned up somewhere, by its hash or fingerprint; needs the right `read`',
  security,
  middleware: [readers, strictJson] as const,
  request: { body: jsonBody(shapes.clue) },
  responses: answers({
    200: { schema: shapes.findings, description: 'what it is; empty where it is unknown' },
  }),
})

/** What a query asks for, in the core's terms. */
export function filterOf(query: z.output<typeof shapes.auditQuery>): {
  filter: Asked<EventFilter>
  page: EventPageRequest
} {
  const { limit, cursor, order, request_id: request, since, until, ...equal } = query
  const moment = (text: string | undefined) => (text === undefined ? undefined : Date.parse(text))
  return {
    filter: { ...equal, request, since: moment(since), until: moment(until) },
    page: { limit, cursor, oldestFirst: order === 'oldest' },
  }
}

export function recordRoutes(app: OpenAPIHono<Env>): void {
  app.openapi(audit, async (c) => {
    const { filter, page } = filterOf(c.req.valid('query'))
    const { items, next } = await listEvents(c.var.core, filter, page)
    return c.json({ items: items.map(eventView), next: cursorOf('audit', next) }, 200)
  })

  app.openapi(event, async (c) =>
    c.json(eventView(await readEvent(c.var.core, c.req.valid('param').seq)), 200),
  )

  app.openapi(finding, async (c) => {
    const { core } = c.var
    const items = (await find(core, c.req.valid('json'))).map(({ task, lease }) => ({
      kind: lease ? ('credential' as const) : ('task_token' as const),
      task: taskView(task, core),
      lease: lease && adminLeaseView(lease),
    }))
    return c.json({ items }, 200)
  })
}
