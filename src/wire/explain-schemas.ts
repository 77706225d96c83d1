/** The shapes of an explanation. */
import { z } from '@hono/zod-openapi'
import { strict } from '../base/issues.ts'
import { revocations, classes } from '../provider/terms.ts'
import { askingPolicy, contextFields, denial, detail, line, seconds } from './schemas.ts'

export const explainBody = strict({
  authorization_details: z.array(detail).max(20).optional(),
  purpose: line(1000).optional(),
  ttl: seconds.optional(),
  agent: line(100).optional(),
  context: contextFields.optional(),
}).openapi('Explain', { description: 'As for opening a task. Without details: an overview.' })

const decision = z.enum(['allowed', 'pending_approval', 'denied'])

const told = askingPolicy
  .extend({
    actions: z.array(z.string()).openapi({ description: 'by name or class; none stands for every action' }),
    resources: z.array(z.string()).openapi({ description: 'none stands for everything' }),
    conditional: z.boolean().openapi({ description: 'whether its conditions may require more' }),
  })
  .openapi('ToldPolicy')

const explainedDetail = z
  .object({
    authorization_detail: detail,
    decision,
    in_task: z.boolean().openapi({ description: 'whether the task that asks may mint it as it is' }),
    class: z.enum([...classes, 'tool']),
    revocation: z.enum(revocations),
    approvals: z
      .array(z.object({ group: z.string(), policies: z.array(askingPolicy) }))
      .openapi({ description: 'whose yes it waits for, and which policies want it' }),
    denials: z.array(denial),
    permits: z.array(told).openapi({ description: 'of what is denied: permits on the same resources' }),
    remedy: z.string().openapi({ description: 'what to do, one line' }),
  })
  .openapi('ExplainedDetail')

export const explanation = z
  .object({
    agent: z.string(),
    owner: z.string(),
    ttl: z.int(),
    max_ttl: z.int(),
    decision: decision.nullable().openapi({ description: 'of all details together; null without any' }),
    approvals: z.array(z.string()).openapi({ description: 'groups whose yes is needed for all together' }),
    denials: z.array(denial),
    details: z.array(explainedDetail),
    overview: z
      .union([
        z.object({
          permits: z.array(told),
          asks: z.array(told.extend({ group: z.string() })),
          forbids: z.array(told),
        }),
        z.null(),
      ])
      .openapi({ description: 'without details: what policy permits, asks for and forbids' }),
  })
  .openapi('Explanation')
