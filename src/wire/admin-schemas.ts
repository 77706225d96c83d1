/** The shapes of the admin calls. */
import { z } from '@hono/zod-openapi'
import { fenceKinds } from '../agents/fence.ts'
import { eventTypes } from '../audit/event.ts'
import { agentStatuses } from '../control/agents.ts'
import { leaseStatuses } from '../leases/lease.ts'
import { largestPage } from '../base/page.ts'
import { approvalStatuses } from '../tasks/approval.ts'
import { taskStatuses } from '../tasks/task.ts'
import { cursorIn } from './admin-cursor.ts'
import { approval, damaged, lease, line, task, time } from './schemas.ts'
import { strict } from '../base/issues.ts'

const name = line(300).optional()
const moment = z.iso.datetime({ offset: true }).optional()

const paging = (list: string) => ({
  limit: z.coerce.number<string>().int().min(1).max(largestPage).default(50),
  cursor: cursorIn(list).optional(),
})

/** A query says which it wants and how much; an unknown parameter is a mistake, never a filter that does nothing. */
export const agentsQuery = strict({
  ...paging('agents'),
  name,
  owner: name,
  environment: name,
  status: z.enum(agentStatuses).optional(),
})

export const tasksQuery = strict({
  ...paging('tasks'),
  id: name,
  agent: name,
  owner: name,
  issuer: name,
  status: z.enum(taskStatuses).optional(),
})

export const leasesQuery = strict({
  ...paging('leases'),
  id: name,
  task: name,
  agent: name,
  owner: name,
  issuer: name,
  provider: name,
  connection: name,
  status: z.enum(leaseStatuses).optional(),
})

export const approvalsQuery = strict({
  ...paging('approvals'),
  id: name,
  task: name,
  agent: name,
  owner: name,
  group: name,
  status: z.enum(approvalStatuses).optional(),
})

export const fencesQuery = strict({
  ...paging('fences'),
  id: name,
  kind: z.enum(fenceKinds).optional(),
})

export const auditQuery = strict({
  ...paging('audit'),
  type: z.enum(eventTypes).optional(),
  actor: name,
  agent: name,
  owner: name,
  task: name,
  lease: name,
  request_id: name,
  fingerprint: name.openapi({ description: 'events of the lease whose credential upstream calls so' }),
  run: name.openapi({
    description:
      'a claim that names a run or session, `NAME=VALUE` (`run_id=123`), or its value alone: what it opened, what came of that, and what it was refused',
  }),
  since: moment.openapi({ description: 'not before this; RFC 3339' }),
  until: moment.openapi({ description: 'before this; RFC 3339' }),
  order: z.enum(['newest', 'oldest']).default('newest').openapi({ description: 'which come first' }),
})

export const agent = z
  .object({
    name: z.string(),
    owner: z.union([
      z.string(),
      z.object({ claim: z.string() }).openapi({ description: 'whoever this claim of a token names' }),
    ]),
    purpose: z.string(),
    environment: z.string(),
    review_by: z.string(),
    max_ttl: z.int(),
    status: z.enum(agentStatuses),
    suspension: z.object({ by: z.string(), reason: z.string(), at: time }).nullable(),
    open_tasks: z.int(),
    live_leases: z.int(),
  })
  .openapi('Agent')

const requestToApprove = z
  .object({
    task: z.string(),
    agent: z.string(),
    issuer: z.string(),
    subject: z.string(),
    purpose: z.string(),
    scope: z.array(z.object({ provider: z.string(), connection: z.string(), detail: z.unknown() })),
    ttl: z.int(),
    context: z.record(z.string(), z.string()),
    parent: z.string().nullable(),
    groups: z.array(z.string()),
  })
  .openapi('RequestToApprove', {
    description: 'What `digest` is the SHA-256 of, as canonical JSON (RFC 8785).',
  })

/** With everything that an approver has to see before a yes. */
export const approvalRequest = approval
  .extend({
    request: requestToApprove,
    reason: z.string().nullable().openapi({ description: 'in the words of who answered it' }),
    task: task.omit({ approvals: true, leases: true }),
    created_at: time,
    waited: z
      .int()
      .nullable()
      .openapi({ description: 'whole seconds for which it has waited, or had when it was answered' }),
  })
  .openapi('ApprovalRequest')

export const adminLease = lease
  .extend({ agent: z.string(), owner: z.string(), attempts: z.int(), failing_since: time.nullable() })
  .openapi('AdminLease')

export const auditEvent = z
  .object({
    seq: z.int(),
    at: time,
    type: z.enum(eventTypes),
    actor: z.string(),
    agent: z.string().optional(),
    owner: z.string().optional(),
    task: z.string().optional(),
    lease: z.string().optional(),
    status: z.string().optional(),
    data: z.record(z.string(), z.unknown()).optional(),
    request_id: z.string().optional(),
    key: z.string().openapi({ description: 'the id of the seal key under which `mac` was made' }),
    previous: z.string().openapi({ description: '`mac` of the event before; with it this one is verified' }),
    mac: z.string(),
    damaged,
  })
  .openapi('AuditEvent')

/** In the body and never in the address, which others write down: whoever takes a secret for a fingerprint tells nobody else. */
export const clue = strict({
  hash: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 in hex')
    .optional()
    .openapi({ description: 'SHA-256 of the token, hex' }),
  fingerprint: line(300).optional().openapi({ description: 'what upstream calls the credential' }),
})
  .refine(({ hash, fingerprint }) => (hash ?? fingerprint) !== undefined, 'hash or fingerprint is needed')
  .openapi('Clue')

export const findings = z
  .object({
    items: z.array(
      z.object({
        kind: z.enum(['task_token', 'credential']),
        task,
        lease: z.union([adminLease, z.null()]).openapi({ description: 'null for a task token' }),
      }),
    ),
  })
  .openapi('Findings')

export function page<Item extends z.ZodType>(item: Item) {
  return z.object({
    items: z.array(item),
    next: z.string().nullable().openapi({ description: 'the `cursor` of the next page' }),
  })
}

export const answerBody = strict({ digest: line(200), reason: line(1000).optional() }).openapi(
  'AnswerApproval',
)

export const reasonBody = strict({ reason: line(1000) }).openapi('Reason')

/** In the query: many clients send no body with DELETE. */
export const liftQuery = strict({ reason: line(1000).optional() })

export const reloaded = z
  .object({
    status: z.literal('reloaded'),
    warnings: z
      .array(z.string())
      .openapi({ description: 'what is doubtful, or stays as it was until a restart' }),
  })
  .openapi('Reloaded')
