/** OAuth for CI: token exchange (RFC 8693), revocation (RFC 7009) and metadata (RFC 8414). */
import { createRoute, type OpenAPIHono, type z } from '@hono/zod-openapi'
import { BrokerError } from '../base/errors.ts'
import { verify } from '../identity/verify.ts'
import { mayStillWork } from '../leases/lease.ts'
import { sha256 } from '../base/sha256.ts'
import { completeTask } from '../tasks/complete.ts'
import type { TaskContext } from '../tasks/context.ts'
import { exchange } from '../tasks/exchange.ts'
import type { TaskView } from '../tasks/read.ts'
import type { StoredTask } from '../tasks/task.ts'
import { agentOf } from './authentication.ts'
import type { Env, HttpContext } from './context.ts'
import { idempotencyOf } from './idempotency-key.ts'
import { detailOf, exchangeRequest, inWords } from './exchange-request.ts'
import { parameters } from './oauth-parameters.ts'
import { jsonAnswer } from './openapi.ts'
import * as schemas from '../wire/oauth-schemas.ts'
import { leaseView, taskView } from './views.ts'

/** As OAuth's clients send it, or as JSON. */
function formOrJson<Form extends z.ZodType, Json extends z.ZodType>(form: Form, json: Json) {
  return {
    required: true,
    content: {
      'application/x-www-form-urlencoded': { schema: form },
      'application/json': { schema: json },
    },
  } as const
}

const refusal = jsonAnswer(schemas.oauthError, 'a refusal (RFC 6749 section 5.2)')

// Described for OpenAPI; the body is read by `parameters`, which sees repetitions that a schema does not.
const token = createRoute({
  method: 'post',
  path: '/oauth/token',
  operationId: 'exchangeToken',
  summary: "Exchange a CI job's OIDC token for one credential (RFC 8693)",
  request: { body: formOrJson(schemas.exchangeForm, schemas.exchangeBody) },
  responses: { 200: jsonAnswer(schemas.exchanged, 'the credential'), default: refusal },
})
const revocation = createRoute({
  method: 'post',
  path: '/oauth/revoke',
  operationId: 'revokeToken',
  summary: 'Revoke a credential or a task token, and complete its task (RFC 7009)',
  request: { body: formOrJson(schemas.revokeForm, schemas.revokeForm) },
  responses: {
    200: { description: 'it is dead, or was not known, or only its own expiry ends it' },
    default: refusal,
  },
})

export function oauthRoutes(app: OpenAPIHono<Env>, { federation }: HttpContext): void {
  app.openAPIRegistry.registerPath(token)
  app.openAPIRegistry.registerPath(revocation)

  app.post(token.path, async (c) => {
    const { core, inForce, limits, sender, about } = c.var
    const { issuers } = inForce.rules
    const asked = exchangeRequest(await parameters(c))
    const verified = await limits.check(sender, () =>
      verify(asked.subject_token, issuers, { clock: core.clock }),
    )
    const agent = await agentOf(c.var, verified.principal, asked.agent)
    await limits.admitAgent(inForce.rules.agents.shareOf(agent.name, agent.owner))
    const own = issuers.get(verified.principal.iss)?.audiences ?? []
    const { connections } = inForce.rules
    const { detail, words } = detailOf(asked, { connections, audiences: [inForce.url, ...own] })
    const request = {
      authorizationDetails: [detail],
      purpose: asked.purpose ?? 'token exchange',
      ttl: asked.ttl === undefined ? undefined : Number(asked.ttl),
      agent: asked.agent,
    }
    const idempotency = idempotencyOf(c, verified, request)
    const { opened, minted } = await exchange(core, inForce.rules, {
      ...request,
      verified,
      idempotency,
      gone: c.req.raw.signal,
    }).catch((error: unknown) => {
      throw inWords(error, words)
    })
    const { token: taskToken, ...task } = opened
    about.task = opened.task.id
    if (!minted) {
      // RFC 8628's name for it: the task goes on through its token once a human has said yes.
      const view = taskView(task, core)
      return c.json(
        {
          error: 'authorization_pending',
          error_description: 'the task waits for approval',
          task: view,
          task_token: taskToken,
        } satisfies z.infer<typeof schemas.oauthError>,
        400,
      )
    }
    const { credential, accessToken, host = null } = minted
    const lease = leaseView(minted.lease)
    const body: z.infer<typeof schemas.exchanged> = {
      access_token: accessToken ?? taskToken,
      issued_token_type: schemas.accessTokenType,
      token_type: 'Bearer',
      expires_in: Math.max(0, Math.floor((minted.lease.deadline - core.clock.now()) / 1000)),
      authorization_details: [lease.authorization_detail],
      credential,
      host,
      task: taskView(task, core),
      task_token: taskToken,
      lease,
    }
    return c.json(body, 200, { Pragma: 'no-cache' })
  })

  app.post(revocation.path, async (c) => {
    const { core, limits, sender, excess, about } = c.var
    const { token: secret } = await parameters(c)
    if (typeof secret !== 'string') throw new BrokerError('invalid_request', 'token is missing')
    const task = await limits.check(sender, () => taskOf(core, secret))
    // RFC 7009 §2.2: an unknown token is answered alike, so that nothing can be tried out here.
    if (task) {
      about.agent = task.agent
      about.task = task.id
      requireDead(await completeTask(core, task))
    } else if (excess) throw excess
    return c.body(null, 200)
  })

  app.get('/.well-known/oauth-authorization-server', (c) => {
    const { url, rules } = c.var.inForce
    return c.json({
      issuer: url,
      token_endpoint: `${url}${token.path}`,
      revocation_endpoint: `${url}${revocation.path}`,
      grant_types_supported: [schemas.tokenExchange],
      response_types_supported: [],
      token_endpoint_auth_methods_supported: ['none'],
      revocation_endpoint_auth_methods_supported: ['none'],
      authorization_details_types_supported: rules.connections.types(),
    })
  })

  // Mayfly as an issuer towards upstreams that trust it: the federation key alone.
  app.get('/.well-known/openid-configuration', (c) => {
    const { url } = c.var.inForce
    return c.json({
      issuer: url,
      jwks_uri: `${url}/.well-known/jwks.json`,
      response_types_supported: ['id_token'],
      subject_types_supported: ['public'],
      id_token_signing_alg_values_supported: ['RS256'],
    })
  })
  app.get('/.well-known/jwks.json', async (c) => c.json(await federation.jwks()))
}

/** The task that a task token or a credential's secret belongs to. */
async function taskOf({ unit, tasks, leases }: TaskContext, secret: string): Promise<StoredTask | undefined> {
  const hash = sha256(secret)
  return await unit.read(async (tx) => {
    const own = await tasks.byTokenHash(tx, hash)
    const id = own?.id ?? (await leases.taskOfSecret(tx, hash))
    return id === undefined ? undefined : await tasks.get(tx, id)
  })
}

/** RFC 7009 §2.2.1: on a 503 a client must take it that the token still exists. @throws BrokerError `provider_unavailable` */
function requireDead({ leases }: TaskView): void {
  if (leases.some(mayStillWork))
    throw new BrokerError(
      'provider_unavailable',
      'the credential is not known to be dead yet; the broker goes on revoking it',
      { retryAfter: 2 },
    )
}
