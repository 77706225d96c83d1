/** Routes for operators: health, readiness, metrics and the OpenAPI description. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import type { Env, HttpContext } from './context.ts'
import { answers, illustrated, securitySchemes } from './openapi.ts'

/** Paths that a probe may call by whatever host name it knows. */
export const operationsPaths = ['/healthz', '/readyz', '/metrics']

const health = createRoute({
  method: 'get',
  path: '/healthz',
  operationId: 'readHealth',
  summary: 'Whether the process answers',
  responses: answers({ 200: { schema: z.object({ status: z.literal('ok') }), description: 'it does' } }),
})

const ready = z.object({
  status: z.literal('ready'),
  brokers: z.int().min(1).describe('How many brokers write the store, this one among them.'),
  configurations: z
    .int()
    .min(1)
    .describe('How many configurations they run with: 1 where nobody changes it.'),
})

const readiness = createRoute({
  method: 'get',
  path: '/readyz',
  operationId: 'readReadiness',
  summary: 'Whether it can decide and record; an upstream does not matter',
  responses: answers({ 200: { schema: ready, description: 'it can' } }),
})

const exposition = createRoute({
  method: 'get',
  path: '/metrics',
  operationId: 'readMetrics',
  summary: 'Metrics, in the text format of Prometheus',
  responses: {
    ...answers({}),
    200: { description: 'the metrics', content: { 'text/plain': { schema: z.string() } } },
  },
})

export function operationsRoutes(
  app: OpenAPIHono<Env>,
  { core, metrics, requireReady, brokers }: HttpContext,
): void {
  app.openapi(health, (c) => c.json({ status: 'ok' as const }, 200))

  // Ready means that it can decide and record. An upstream's outage is no reason to take the broker away too.
  app.openapi(readiness, async (c) => {
    await core.unit.read((tx) => core.audit.head(tx))
    await requireReady()
    return c.json({ status: 'ready' as const, ...brokers() }, 200)
  })

  app.openapi(exposition, async (c) =>
    c.text(await metrics.registry.metrics(), 200, { 'Content-Type': metrics.registry.contentType }),
  )

  for (const [name, scheme] of Object.entries(securitySchemes))
    app.openAPIRegistry.registerComponent('securitySchemes', name, scheme)
  const info = {
    title: 'Mayfly',
    version: '1',
    description: 'Credentials for AI assistants and CI jobs that live no longer than the task.',
  }
  app.get('/openapi.json', (c) => c.json(illustrated(app.getOpenAPI31Document({ openapi: '3.1.0', info }))))
}
