/**
 * Something to use a session for: objects that are put and got as in S3, at
 * `/s3/BUCKET/KEY`, and any other action, at `/do/SERVICE/ACTION`.
 */
import type { HttpBindings } from '@hono/node-server'
import { Hono, type Context } from 'hono'
import type { Caller } from './keys.ts'
import { element } from './query.ts'
import { AwsRefusal } from './refusal.ts'
import type { Roles } from './roles.ts'

/** S3's names for the codes of others ("Error responses"). */
const codes: Record<string, string> = { InvalidClientTokenId: 'InvalidAccessKeyId' }

export function useRoutes(
  roles: Roles,
  by: (service: string) => (c: Context) => Promise<Caller>,
): Hono<{ Bindings: HttpBindings }> {
  const app = new Hono<{ Bindings: HttpBindings }>()
  const objects = new Map<string, string>()
  const admit = async (c: Context, action: string): Promise<string> => {
    const caller = await by('s3')(c)
    const { bucket = '', key = '' } = c.req.param() as Record<string, string>
    const arn = `arn:aws:s3:::${bucket}/${key}`
    roles.admit(caller, action, arn)
    return arn
  }

  app.get('/s3/:bucket/:key{.+}', async (c) => {
    const text = objects.get(await admit(c, 's3:GetObject'))
    if (text === undefined) throw new AwsRefusal(404, 'NoSuchKey', 'The specified key does not exist.')
    return c.text(text)
  })
  app.put('/s3/:bucket/:key{.+}', async (c) => {
    objects.set(await admit(c, 's3:PutObject'), await c.req.text())
    return c.body(null, 200)
  })
  app.post('/do/:service/:action', async (c) => {
    const { service, action } = c.req.param()
    roles.admit(await by(service)(c), `${service}:${action}`, '*')
    return c.body(null, 200)
  })
  app.onError((error, c) => {
    if (!(error instanceof AwsRefusal)) throw error
    const { status, code, message } = error
    const body = element('Error', { Code: codes[code] ?? code, Message: message })
    return c.body(body, status as 403, { 'content-type': 'application/xml' })
  })
  return app
}
