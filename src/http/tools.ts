/** Calls of tools: decided as the AuthZEN Authorization API 1.0 asks it, and put on record. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { BrokerError, type ErrorCode } from '../base/errors.ts'
import { isoTime } from '../base/iso-time.ts'
import type { StoredTask } from '../tasks/task.ts'
import { decideToolCall, type ToolCall, type ToolDecision, type Waiting } from '../tasks/tool-call.ts'
import type { TaskContext } from '../tasks/context.ts'
import { whoDecides } from '../tasks/waiting.ts'
import { recordToolCall } from '../tasks/tool-event.ts'
import * as shapes from '../wire/tool-schemas.ts'
import { byTaskToken } from './authentication.ts'
import { strictJson } from './body.ts'
import type { Env } from './context.ts'
import { answers, jsonBody, taskToken } from './openapi.ts'

const evaluation = createRoute({
  method: 'post',
  path: '/access/v1/evaluation',
  operationId: 'evaluateAccess',
  summary: 'May this tool be called now? (AuthZEN Authorization API 1.0)',
  security: taskToken,
  middleware: [byTaskToken, strictJson] as const,
  request: { body: jsonBody(shapes.evaluationBody) },
  responses: answers({ 200: { schema: shapes.evaluation, description: 'the decision' } }),
})

const metadata = createRoute({
  method: 'get',
  path: '/.well-known/authzen-configuration',
  operationId: 'readAccessMetadata',
  summary: 'Metadata of the policy decision point (AuthZEN Authorization API 1.0 §9)',
  responses: answers({ 200: { schema: shapes.authzenMetadata, description: 'the metadata' } }),
})

const events = createRoute({
  method: 'post',
  path: '/v1/tasks/{id}/events',
  operationId: 'recordToolCall',
  summary: 'Put the call of a tool on record: its name, a digest, its outcome, and nothing that was said',
  security: taskToken,
  middleware: [byTaskToken, strictJson] as const,
  request: { params: z.object({ id: z.string().max(100) }), body: jsonBody(shapes.toolEventBody) },
  responses: answers({ 201: { schema: shapes.toolEvent, description: 'as it stands on record' } }),
})

export function toolRoutes(app: OpenAPIHono<Env>): void {
  app.openapi(evaluation, async (c) => {
    const { core, inForce, task } = c.var
    const { subject, action, resource, context } = c.req.valid('json')
    const words = together([action.properties, resource.properties, context])
    const call = { name: action.name, resource: resource.id, words }
    const decision = isOf(task, subject)
      ? await decideToolCall(core, inForce.rules, task, call)
      : ({
          outcome: 'denied',
          refused: new BrokerError('forbidden', 'a task asks for itself alone'),
        } as const)
    return c.json(evaluationView(call, decision, core.approvalPage), 200)
  })

  app.openapi(metadata, (c) => {
    const { url } = c.var.inForce
    return c.json(
      { policy_decision_point: url, access_evaluation_endpoint: `${url}/access/v1/evaluation` },
      200,
    )
  })

  app.openapi(events, async (c) => {
    const { core, task, limits } = c.var
    const { name, resource = name, digest, outcome } = c.req.valid('json')
    await limits.admitEvent(task.id)
    const event = { name, resource, digest: digest.replace(/^sha256:/, ''), outcome }
    const at = await recordToolCall(core, task, event)
    return c.json({ ...event, at: isoTime(at) }, 201)
  })
}

function isOf(task: StoredTask, { type, id }: { type: string; id: string }): boolean {
  const kind = type.toLowerCase()
  return (kind === 'agent' && id === task.agent) || (kind === 'task' && id === task.id)
}

/** @throws BrokerError `invalid_request` where one thing is said twice: policy would see only one of them. */
function together(parts: readonly (Record<string, string> | undefined)[]): Record<string, string> {
  const words = new Map<string, string>()
  for (const [word, said] of parts.flatMap((part) => Object.entries(part ?? {}))) {
    if ((words.get(word) ?? said) !== said)
      throw new BrokerError('invalid_request', `${word}: is said twice, and not alike`)
    words.set(word, said)
  }
  return Object.fromEntries(words)
}

function evaluationView(
  { name, resource }: ToolCall,
  decision: ToolDecision,
  pageOf: TaskContext['approvalPage'],
): z.infer<typeof shapes.evaluation> {
  switch (decision.outcome) {
    case 'allowed':
      return { decision: true }
    case 'denied': {
      const { code, message: reason, facts } = decision.refused
      const remedy = decision.remedy ?? remedies[code] ?? otherwise
      const said = { code, reason, remedy, denials: facts.denials ?? [] }
      return { decision: false, context: { ...said, approvals: [] } }
    }
    case 'pending_approval': {
      const { waiting } = decision
      const approvals = decision.approvals.map(({ group, policies }) => ({
        group,
        policies,
        waiting: waiting
          .filter((each) => each.group === group)
          .map(({ task, approval, until }) => ({ task, approval, until: isoTime(until) })),
      }))
      const groups = approvals.map((each) => each.group).join(' and ')
      return {
        decision: false,
        context: {
          code: 'pending_approval',
          reason: `${groups} ${approvals.length > 1 ? 'have' : 'has'} to say yes to this first`,
          remedy: waitingRemedy(decision.waiting, pageOf),
          denials: [],
          approvals,
          open: { authorization_details: [{ type: 'tool', name, resource }], context: decision.words },
        },
      }
    }
  }
}

function waitingRemedy([first]: readonly Waiting[], pageOf: TaskContext['approvalPage']): string {
  if (!first) return 'Open a child task with `open`, wait for it with `mayfly task wait`, and ask again.'
  const { task, approval, group, until } = first
  return `${whoDecides({ id: approval, group }, pageOf)} until ${isoTime(until)}: wait for ${task} with \`mayfly task wait\`, and ask again.`
}

const remedies: Partial<Record<ErrorCode, string>> = {
  forbidden: 'Name as the subject the agent of the task, as Agent, or the task, as Task.',
  policy_denied: 'Do without this tool, or have the policy changed.',
  task_not_active: 'Nothing more can be done in this task.',
}
const otherwise = 'Ask an admin, who can see why and change it.'
