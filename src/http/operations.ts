/** What runs the broker looks at: health, metrics, and its description. */
import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Env, HttpContext } from './context.ts'
import { securitySchemes } from './openapi.ts'

/** Paths that a probe may call by whatever host name it knows. */
export const operationsPaths = ['/healthz', '/readyz', '/metrics']

export function operationsRoutes(app: OpenAPIHono<Env>, { tasks, metrics }: HttpContext): void {
  app.get('/healthz', (c) => c.json({ status: 'ok' }))

  // Ready means that it can decide and record. An upstream's outage is no reason to take the broker away too.
  app.get('/readyz', async (c) => {
    await tasks.unit.read((tx) => tasks.audit.head(tx))
    return c.json({ status: 'ready' })
  })

  app.get('/metrics', async (c) =>
    c.body(await metrics.registry.metrics(), 200, { 'Content-Type': metrics.registry.contentType }),
  )

  for (const [name, scheme] of Object.entries(securitySchemes))
    app.openAPIRegistry.registerComponent('securitySchemes', name, scheme)
  app.doc31('/openapi.json', {
    openapi: '3.1.0',
    info: {
      title: 'Mayfly',
      version: '1',
      description: 'Credentials for AI assistants and CI jobs that live no longer than the task.',
    },
  })
}
