/** What a workload does: open a task, ask for credentials inside it, complete it. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { BrokerError } from '../base/errors.ts'
import { isoTime } from '../base/iso-time.ts'
import { completeTask } from '../tasks/complete.ts'
import { issueCredential } from '../tasks/credential.ts'
import { delegate } from '../tasks/delegate.ts'
import { giveBack } from '../tasks/give-back.ts'
import { heartbeat } from '../tasks/heartbeat.ts'
import { dryRun, openTask } from '../tasks/open.ts'
import { readDecided } from '../tasks/read.ts'
import { agentOf, byTaskToken, byTaskTokenAlways, byWorkloadOrTask } from './authentication.ts'
import { strictJson, strictJsonIfAny } from './body.ts'
import type { Env } from './context.ts'
import { idempotencyOf } from './idempotency-key.ts'
import { answers, jsonBody, workloadToken, taskToken } from './openapi.ts'
import * as schemas from '../wire/schemas.ts'
import { dryRunView, heardView, leaseView, taskView } from './views.ts'

const taskId = z.object({ id: z.string().max(100) })
const leaseId = taskId.extend({ lease: z.string().max(100) })

const open = createRoute({
  method: 'post',
  path: '/v1/tasks',
  operationId: 'openTask',
  summary:
    'Open a task, with the token of an open one a child of it, or with `dry_run` ask what would come of it',
  security: [...workloadToken, ...taskToken],
  middleware: [byWorkloadOrTask, strictJson] as const,
  request: { body: jsonBody(schemas.openBody) },
  responses: answers({
    200: { schema: schemas.dryRun, description: 'with `dry_run`: the decision; nothing is kept' },
    201: { schema: schemas.openedTask, description: 'the active task and its token' },
    202: { schema: schemas.openedTask, description: 'the task, which waits for approval' },
  }),
})

const delegations = createRoute({
  method: 'post',
  path: '/v1/tasks/{id}/delegations',
  operationId: 'delegate',
  summary: 'Hand a part of the task on to another agent, which opens a task of it under its own identity',
  security: taskToken,
  middleware: [byTaskToken, strictJson] as const,
  request: { params: taskId, body: jsonBody(schemas.delegationBody) },
  responses: answers({
    201: {
      schema: schemas.delegation,
      description: 'a token: single use, for that agent, valid 300 seconds',
    },
  }),
})

const read = createRoute({
  method: 'get',
  path: '/v1/tasks/{id}',
  operationId: 'readTask',
  summary: 'Read a task with its leases, also for an hour after its end; with `wait`, once it is decided',
  security: taskToken,
  middleware: byTaskToken,
  request: { params: taskId, query: schemas.taskQuery },
  responses: answers({ 200: { schema: schemas.task, description: 'the task' } }),
})

const credentials = createRoute({
  method: 'post',
  path: '/v1/tasks/{id}/credentials',
  operationId: 'mintCredential',
  summary: "Mint a credential within the task's scope",
  security: taskToken,
  middleware: [byTaskToken, strictJson] as const,
  request: { params: taskId, body: jsonBody(schemas.credentialBody) },
  responses: answers({
    201: { schema: schemas.minted, description: 'the lease and the credential, which is shown this once' },
  }),
})

const revokeLease = createRoute({
  method: 'post',
  path: '/v1/tasks/{id}/leases/{lease}/revoke',
  operationId: 'giveBackLease',
  summary: 'Give one lease back before the task is done',
  security: taskToken,
  middleware: byTaskTokenAlways,
  request: { params: leaseId },
  responses: answers({ 200: { schema: schemas.lease, description: 'the lease' } }),
})

const beat = createRoute({
  method: 'post',
  path: '/v1/tasks/{id}/heartbeat',
  operationId: 'heartbeat',
  summary: 'Say that the workload is still there, and what its context is now',
  security: taskToken,
  middleware: [byTaskTokenAlways, strictJsonIfAny] as const,
  request: { params: taskId, body: { ...jsonBody(schemas.heartbeatBody), required: false } },
  responses: answers({ 200: { schema: schemas.heard, description: 'the task goes on' } }),
})

const complete = createRoute({
  method: 'post',
  path: '/v1/tasks/{id}/complete',
  operationId: 'completeTask',
  summary: 'End the task; its leases are revoked. Idempotent',
  security: taskToken,
  middleware: byTaskTokenAlways,
  request: { params: taskId },
  responses: answers({ 200: { schema: schemas.task, description: 'the ended task' } }),
})

export function taskRoutes(app: OpenAPIHono<Env>): void {
  app.openapi(open, async (c) => {
    const { core, asker, inForce, limits, about } = c.var
    const { dry_run, authorization_details: authorizationDetails, ...rest } = c.req.valid('json')
    const asked = { ...rest, authorizationDetails }
    const caller = 'verified' in asker ? asker.verified : asker.task
    const opener = 'verified' in asker ? asker : { parent: asker.task }
    if ('task' in asker && rest.delegation !== undefined)
      throw new BrokerError(
        'invalid_request',
        'delegation: it takes the identity token of the agent it is for',
      )
    const idempotency = idempotencyOf(c, caller, asked)
    const request = { ...asked, ...opener, idempotency, gone: c.req.raw.signal }
    if ('verified' in asker) {
      const agent = await agentOf(c.var, asker.verified.principal, rest.agent)
      await limits.admitAgent(inForce.rules.agents.shareOf(agent.name, agent.owner))
    }
    if (dry_run) return c.json(dryRunView(await dryRun(core, inForce.rules, request)), 200)
    const { token, ...opened } = await openTask(core, inForce.rules, request)
    about.task = opened.task.id
    const view = { ...taskView(opened, core), task_token: token }
    return opened.task.status === 'pending_approval' ? c.json(view, 202) : c.json(view, 201)
  })

  app.openapi(delegations, async (c) => {
    const { core, task, inForce } = c.var
    const { authorization_details: authorizationDetails, ...rest } = c.req.valid('json')
    const { token, until } = await delegate(core, inForce.rules, { ...rest, task, authorizationDetails })
    return c.json({ delegation: token, expires_at: isoTime(until) }, 201)
  })

  app.openapi(read, async (c) => {
    const { core, task } = c.var
    const ms = c.req.valid('query').wait * 1000
    const view = await readDecided(core, task.id, { ms, gone: c.req.raw.signal })
    return c.json(taskView(view, core), 200)
  })

  app.openapi(credentials, async (c) => {
    const { core, task, inForce } = c.var
    const { authorizationDetail, context } = credentialRequest(c.req.valid('json'))
    const idempotency = idempotencyOf(c, task, { authorizationDetail, context })
    const request = { task, authorizationDetail, context, idempotency, gone: c.req.raw.signal }
    const { lease, credential, host = null } = await issueCredential(core, inForce.rules, request)
    return c.json({ lease: leaseView(lease), credential, host }, 201)
  })

  app.openapi(revokeLease, async (c) => {
    const { core, task } = c.var
    return c.json(leaseView(await giveBack(core, task, c.req.valid('param').lease)), 200)
  })

  app.openapi(beat, async (c) => {
    const { core, task } = c.var
    const { context } = c.req.valid('json')
    return c.json(heardView(await heartbeat(core, task, context)), 200)
  })

  app.openapi(complete, async (c) => {
    const { core, task } = c.var
    return c.json(taskView(await completeTask(core, task), core), 200)
  })
}

/** The detail under either of its names, or the body itself. */
function credentialRequest(body: z.infer<typeof schemas.credentialBody>) {
  const { context, ...rest } = body as { context?: Record<string, string> } & Record<string, unknown>
  const { authorization_detail: one, authorization_details: listed } = rest
  return { authorizationDetail: one ?? (Array.isArray(listed) ? listed[0] : rest), context }
}
