/** The application: what happens to every request, then the routes. */
import { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { routePath } from 'hono/route'
import { bodyLimit } from 'hono/body-limit'
import { secureHeaders } from 'hono/secure-headers'
import type { InForce } from '../control/in-force.ts'
import { hostOf } from '../base/endpoint.ts'
import { BrokerError, isBrokerError } from '../base/errors.ts'
import { faultTexts, inOneText } from '../base/issues.ts'
import { newId } from '../base/id.ts'
import type { TaskContext } from '../tasks/context.ts'
import { adminRoutes } from './admin.ts'
import { clientMetadataRoutes } from './client-metadata.ts'
import type { Env, HttpContext } from './context.ts'
import { isOutsideLimits } from './ending.ts'
import { explainRoutes } from './explain.ts'
import { Limits } from './limits.ts'
import { oauthRoutes } from './oauth.ts'
import { oauthProblem } from './oauth-errors.ts'
import { operationsPaths, operationsRoutes } from './operations.ts'
import { asRefusal, problem, UnfitRequest } from './problem.ts'
import { recordRefusal } from './refused.ts'
import { logRequest } from './request-log.ts'
import { stsRoutes } from './sts.ts'
import { stsProblem } from './sts-errors.ts'
import type { Tally } from './tally.ts'
import { taskRoutes } from './tasks.ts'
import { toolRoutes } from './tools.ts'

export function createApp(context: HttpContext): OpenAPIHono<Env> {
  const app = new OpenAPIHono<Env>({
    defaultHook(result, c) {
      if (result.success) return
      const faults = faultTexts(result.error)
      const more = detailFaults(result, c.var.inForce).filter(
        (each) => !faults.some((told) => told.split(':')[0] === each.split(':')[0]),
      )
      throw new BrokerError('invalid_request', inOneText([...faults, ...more]))
    },
  })

  // Here each value is got by itself: `c.var` is made anew of all of them whenever it is read.
  app.use(async (c, next) => {
    await context.serve(async (inForce) => {
      const requestId = newId('req')
      c.set('inForce', inForce)
      const onRecord = { any: false }
      c.set('onRecord', onRecord)
      c.set('core', inRequest(context.core, requestId, onRecord))
      c.set('requestId', requestId)
      c.set('about', {})
      c.header('X-Request-Id', requestId)
      // Answers carry secrets and states of the moment.
      c.header('Cache-Control', 'no-store')
      await next()
    })
  })
  app.use(async (c, next) => {
    const started = performance.now()
    await next()
    const milliseconds = performance.now() - started
    const { method } = c.req
    const { status } = c.res
    const thrown = c.get('thrown')
    const code = thrown === undefined ? undefined : asRefusal(thrown).code
    context.metrics.answered({ method, route: routePath(c, -1), status, seconds: milliseconds / 1000, code })
    logRequest(c, milliseconds, context.log)
  })
  // Nothing here belongs in another's frame.
  app.use(secureHeaders({ xFrameOptions: 'DENY' }))
  app.use(async (c, next) => {
    const { limits } = measuresOf(c.get('inForce'), context.tally)
    const sender = limits.senderOf(c.env.incoming.socket.remoteAddress, c.req.header('X-Forwarded-For'))
    c.set('limits', limits)
    c.set('sender', sender)
    const excess = operationsPaths.includes(c.req.path) ? undefined : await limits.request(sender)
    if (excess && !isOutsideLimits(c.req.path)) throw excess
    c.set('excess', excess)
    await next()
  })
  app.use(async (c, next) => {
    const named = c.req.header('Host') ?? ''
    // A page elsewhere whose name was made to point here (DNS rebinding) sends its own name.
    const { isHost } = measuresOf(c.get('inForce'), context.tally)
    // What is no host at all (`1.2.3.4.5`) makes no URL, without which hono has no request.
    const isLocal = () => operationsPaths.includes(c.req.path) && URL.canParse(`http://${named}`)
    if (!isHost(named) && !isLocal())
      throw new BrokerError('invalid_request', 'the Host is not that of this broker')
    await next()
  })
  app.use(async (c, next) => {
    const maxSize = c.get('inForce').bodyBytes
    const onError = () => {
      throw new UnfitRequest(413, `the body is longer than ${maxSize} bytes`)
    }
    const { 'content-length': length, 'transfer-encoding': coding } = c.env.incoming.headers
    if (coding !== undefined) return bodyLimit({ maxSize, onError })(c, next)
    // Node reads no more than that. hono's limit would make a stream of the body to see whether there is one.
    if (Number(length ?? 0) > maxSize) onError()
    return next()
  })

  taskRoutes(app)
  explainRoutes(app, context)
  toolRoutes(app)
  oauthRoutes(app, context)
  stsRoutes(app)
  adminRoutes(app, context)
  operationsRoutes(app, context)
  clientMetadataRoutes(app)
  context.pages.routes(app)

  /** Clients of OAuth and of octo-sts know only the errors of their own, and people read pages. */
  const refuse = (c: Context<Env>, thrown: unknown): Response | Promise<Response> => {
    c.set('thrown', thrown)
    const { path } = c.req
    if (path.startsWith('/sts/')) return stsProblem(c, thrown)
    if (path.startsWith(context.pages.under)) return context.pages.refusal(c, asRefusal(thrown))
    return (path.startsWith('/oauth/') ? oauthProblem : problem)(c, thrown)
  }

  app.notFound((c) => {
    if (c.var.excess) return refuse(c, c.var.excess)
    const here = app.routes.filter(({ path, method }) => method !== 'ALL' && samePath(path, c.req.path))
    if (here.length === 0) return refuse(c, new BrokerError('not_found', 'there is nothing here'))
    // RFC 9110 §15.5.6: a 405 says what would have been right.
    c.header('Allow', [...new Set(here.map(({ method }) => method))].join(', '))
    return refuse(c, new UnfitRequest(405, `${c.req.method} is not what this takes`))
  })
  app.onError(async (error, c) => {
    // Whoever hangs up in the middle of a request must not fill the log with failures of ours.
    if (error === c.env.incoming.errored)
      return refuse(c, new BrokerError('invalid_request', 'the request was cut off'))
    if (!isBrokerError(error)) return refuse(c, error)
    await recordRefusal(c, error).catch((cause: unknown) =>
      context.log.error({ err: cause }, 'a refusal could not be recorded'),
    )
    const failed = context.failures.count(error.code, c.var.requestId)
    return refuse(c, (failed && (await c.var.limits.failed(c.var.sender))) || error)
  })
  return app
}

/** What is wrong with the details of a body that is refused for something else: not to be learnt in a second round. */
function detailFaults(result: object, { rules }: InForce): string[] {
  const body: unknown = 'data' in result ? result.data : undefined
  if (typeof body !== 'object' || body === null || !('authorization_details' in body)) return []
  const { authorization_details: details } = body
  if (!Array.isArray(details)) return []
  return rules.connections.faultsOf(details, 'authorization_details')
}

/** The core as one request works with it: what that puts on record names the request. */
function inRequest(core: TaskContext, requestId: string, onRecord: { any: boolean }): TaskContext {
  const record: TaskContext['audit']['record'] = (tx, event) => {
    onRecord.any = true
    core.audit.record(tx, { ...event, request: requestId })
  }
  return { ...core, audit: { ...core.audit, record } }
}

/** What requests are measured by. */
interface Measures {
  limits: Limits
  isHost: (named: string) => boolean
}

const measuresByConfiguration = new WeakMap<InForce, Measures>()

/** Each configuration has its own: those of an older one are forgotten with it. */
function measuresOf(inForce: InForce, tally: Tally): Measures {
  const known = measuresByConfiguration.get(inForce)
  if (known) return known
  const measures = { limits: new Limits(inForce.requestLimits, tally), isHost: hostOf(inForce.url) }
  measuresByConfiguration.set(inForce, measures)
  return measures
}

/** Whether `path` is one that the route `pattern` (`/v1/tasks/:id`) stands for. */
function samePath(pattern: string, path: string): boolean {
  const [want, have] = [pattern.split('/'), path.split('/')]
  return (
    want.length === have.length && want.every((part, index) => part.startsWith(':') || part === have[index])
  )
}
