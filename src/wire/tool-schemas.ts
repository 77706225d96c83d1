/** The shapes of decisions about tools, as AuthZEN's Authorization API 1.0 has them, and of their record. */
import { z } from '@hono/zod-openapi'
import { strict } from '../base/issues.ts'
import { errorCodes } from '../base/errors.ts'
import { toolName, toolResource } from '../provider/tools.ts'
import { askingPolicy, denial, detail, hides, line, time } from './schemas.ts'
import { shown } from '../base/text.ts'

/** What is said of a call: a text as it is, anything else as its JSON. */
const said = z
  .record(z.string().min(1).max(100).regex(shown, hides), z.unknown())
  .refine((members) => Object.keys(members).length <= 50, 'at most 50 members')
  .transform((members) =>
    Object.fromEntries(
      Object.entries(members).map(([name, value]) => [
        name,
        typeof value === 'string' ? value : JSON.stringify(value),
      ]),
    ),
  )
  .optional()

/** §5: members that are not known here are no fault. */
export const evaluationBody = z
  .object({
    subject: z
      .looseObject({ type: line(100), id: line(300) })
      .openapi({ description: "the task's own agent, as `Agent` by its name or as `Task` by its id" }),
    action: z.object({
      name: z
        .string()
        .transform((name) => name.replace(/^tool\./, ''))
        .pipe(toolName)
        .openapi({ type: 'string', description: '`tool.NAME`', example: 'tool.publish' }),
      properties: said,
    }),
    resource: z.object({
      type: z.string().regex(/^[Tt][Oo][Oo][Ll]$/, 'is Tool: nothing else is decided here'),
      id: toolResource,
      properties: said,
    }),
    context: said,
  })
  .openapi('Evaluation', {
    description: 'What is said in `context` and in `properties`, policy may use only to forbid.',
  })

export const evaluation = z
  .object({
    decision: z.boolean(),
    context: z
      .object({
        code: z.enum([...errorCodes, 'pending_approval']),
        reason: z.string(),
        remedy: z.string(),
        denials: z.array(denial),
        approvals: z.array(
          z.object({
            group: z.string(),
            policies: z.array(askingPolicy),
            waiting: z
              .array(z.object({ task: z.string(), approval: z.string(), until: time }))
              .openapi({ description: 'who has been asked already for just this' }),
          }),
        ),
        open: z
          .object({ authorization_details: z.array(detail), context: z.record(z.string(), z.string()) })
          .optional()
          .openapi({
            description: 'what to open a child task with, beside its purpose, to have it approved',
          }),
      })
      .optional()
      .openapi({ description: 'where the decision is no' }),
  })
  .openapi('EvaluationDecision')

export const authzenMetadata = z
  .object({ policy_decision_point: z.string(), access_evaluation_endpoint: z.string() })
  .openapi('AuthzenMetadata')

export const toolEventBody = strict({
  name: toolName,
  resource: toolResource.optional(),
  digest: z
    .string()
    .regex(/^(?:sha256:)?[0-9a-f]{64}$/, 'is a SHA-256 in lower-case hex')
    .openapi({ description: 'SHA-256 of what the tool was called with' }),
  outcome: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,31}$/, 'is one word of up to 32 lower-case letters, digits and _')
    .openapi({ example: 'succeeded' }),
}).openapi('ToolEvent', {
  description: 'A call of a tool. There is no member for what was said or answered.',
})

export const toolEvent = z
  .object({ name: z.string(), resource: z.string(), digest: z.string(), outcome: z.string(), at: time })
  .openapi('RecordedToolEvent')
