/** octo-sts' exchange, for its clients as they are (docs/decisions/0057). */
import { createRoute, type OpenAPIHono, type z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { stsAgent } from '../agents/sts.ts'
import { BrokerError } from '../base/errors.ts'
import { faultTexts, inOneText } from '../base/issues.ts'
import { JsonFault, parseJson } from '../base/json.ts'
import { verify } from '../identity/verify.ts'
import { completeTask } from '../tasks/complete.ts'
import { exchange } from '../tasks/exchange.ts'
import * as schemas from '../wire/sts-schemas.ts'
import { agentOf } from './authentication.ts'
import { bearer } from './bearer.ts'
import type { Env } from './context.ts'
import { idempotencyOf } from './idempotency-key.ts'
import { jsonAnswer, workloadToken } from './openapi.ts'
import { UnfitRequest } from './problem.ts'

const path = '/sts/exchange'
const described = {
  path,
  summary: "Exchange an OIDC token for an agent's credential, as octo-sts' clients do",
  security: workloadToken,
  responses: {
    200: jsonAnswer(schemas.rawToken, 'the credential'),
    default: jsonAnswer(schemas.stsError, 'a refusal (google.rpc.Status)'),
  },
} as const
const get = createRoute({
  ...described,
  method: 'get',
  operationId: 'stsExchange',
  request: { query: schemas.stsQuery },
})
const post = createRoute({
  ...described,
  method: 'post',
  operationId: 'stsExchangePosted',
  request: {
    query: schemas.stsQuery.partial(),
    body: { content: { 'application/json': { schema: schemas.stsBody } } },
  },
})

export function stsRoutes(app: OpenAPIHono<Env>): void {
  app.openAPIRegistry.registerPath(get)
  app.openAPIRegistry.registerPath(post)

  app.on(['GET', 'POST'], path, async (c) => {
    // hono has a HEAD answered by what answers a GET; whoever only looks is to get nothing.
    if (c.req.method === 'HEAD') throw new UnfitRequest(405, 'HEAD is not what this takes')
    const { core, inForce, limits, sender, about } = c.var
    const { issuers, agents } = inForce.rules
    const token = bearer(c)
    // Such a client's token is for the bare domain: there is no more of the address in its settings.
    const domain = new URL(inForce.url).host
    const verified = await limits.check(sender, () =>
      verify(token, issuers, { clock: core.clock, audiences: (issuer) => [...issuer.audiences, domain] }),
    )
    const asked = await wanted(c)
    const agent = stsAgent(agents, asked)
    if (!agent) throw new BrokerError('not_found', `no agent is ${asked.identity} for ${asked.scope}`)
    const { name, owner } = await agentOf(c.var, verified.principal, agent.name)
    await limits.admitAgent(agents.shareOf(name, owner))
    const request = {
      authorizationDetails: [agent.sts.authorization_detail],
      purpose: `${asked.identity} for ${asked.scope}`,
      ttl: agent.sts.ttl,
      agent: agent.name,
    }
    const { opened, minted } = await exchange(core, inForce.rules, {
      ...request,
      verified,
      idempotency: idempotencyOf(c, verified, request),
      gone: c.req.raw.signal,
      cannotWait: true,
    })
    about.task = opened.task.id
    const { accessToken = '' } = minted ?? {}
    if (accessToken === '') {
      // Nobody learns the task's token, so nobody could go on with it or end it.
      await completeTask(core, opened.task)
      throw new BrokerError('provider_rejected', 'what this agent gets is not one token')
    }
    const body: z.infer<typeof schemas.rawToken> = { token: accessToken, refreshToken: '', expiry: null }
    return c.json(body)
  })
}

/** @throws BrokerError `invalid_request` */
async function wanted(c: Context<Env>): Promise<{ scope: string; identity: string }> {
  const query = new URL(c.req.url).searchParams
  const { identity, scope, scopes } = await posted(c)
  const identities = [
    ...new Set([...query.getAll('identity'), ...(identity === undefined ? [] : [identity])]),
  ]
  // Clients send the scope under both names; only the newer one is then read.
  const many = [...query.getAll('scopes'), ...[scopes ?? []].flat()]
  const named = [...new Set(many.length > 0 ? many : [...query.getAll('scope'), ...[scope ?? []].flat()])]
  return { scope: only('scope', named), identity: only('identity', identities) }
}

function only(name: string, [value = '', another]: string[]): string {
  if (another !== undefined) throw new BrokerError('invalid_request', `${name}: only one can be asked for`)
  if (value === '') throw new BrokerError('invalid_request', `${name} is missing`)
  if (!/^[A-Za-z0-9._/-]{1,270}$/.test(value))
    throw new BrokerError('invalid_request', `${name} has characters that no name has`)
  return value
}

/** What a POST says in its body, if it has one. @throws BrokerError `invalid_request` */
async function posted(c: Context<Env>): Promise<z.output<typeof schemas.stsBody>> {
  const text = c.req.method === 'POST' ? await c.req.text() : ''
  if (text === '') return {}
  try {
    const parsed = schemas.stsBody.safeParse(parseJson(text))
    if (parsed.success) return parsed.data
    throw new BrokerError('invalid_request', inOneText(faultTexts(parsed.error)))
  } catch (error) {
    if (error instanceof JsonFault) throw new BrokerError('invalid_request', `the body ${error.message}`)
    throw error
  }
}
