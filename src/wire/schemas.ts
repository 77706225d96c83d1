/** The wire's shapes: validation, types and OpenAPI at once. */
import { z } from '@hono/zod-openapi'
import { errorCodes } from '../base/errors.ts'
import { leaseStatuses } from '../leases/lease.ts'
import { classes, revocations } from '../provider/terms.ts'
import { evidenceResults } from '../provider/upstream.ts'
import { approvalStatuses } from '../tasks/approval.ts'
import { endReasons, taskStatuses } from '../tasks/task.ts'
import { allShown, shown } from '../base/text.ts'
import { strict } from '../base/issues.ts'

export const hides = 'must not contain control, bidirectional or invisible characters'

/** A string that reaches logs, the audit, upstream headers and people's terminals: nothing can be injected or hidden in it. */
const text = (longest: number) => z.string().max(longest).regex(shown, hides)
export const line = (longest: number) => text(longest).min(1)

export const time = z.iso.datetime().openapi({ description: 'RFC 3339, UTC' })
export const seconds = z.int().min(1).max(31_536_000).openapi({ description: 'whole seconds' })

/** One RFC 9396 authorization detail. Its provider knows the rest of its shape. */
export const detail = z
  .looseObject({ type: z.string() })
  .refine(allShown, hides)
  .openapi('AuthorizationDetail', {
    description: 'One authorization detail (RFC 9396), shaped by its `type`.',
    example: { type: 'github', repositories: ['acme/web'], permissions: { contents: 'write' } },
  })

export const contextFields = z
  .record(line(100), text(1000))
  .refine((fields) => Object.keys(fields).length <= 50, 'at most 50 fields')
  .openapi('TaskContext', {
    description: "The caller's own words about the task; policy may use them only to forbid.",
  })

export const openBody = strict({
  purpose: line(1000),
  authorization_details: z.array(detail).min(1).max(20),
  ttl: seconds.optional(),
  agent: line(100).optional(),
  context: contextFields.optional(),
  delegation: line(100).optional().openapi({
    description: 'what a task has delegated to this agent; with the identity token alone',
  }),
  dry_run: z.boolean().optional(),
}).openapi('OpenTask')

export const delegationBody = strict({
  agent: line(100),
  authorization_details: z.array(detail).min(1).max(20),
  ttl: seconds.optional(),
}).openapi('Delegate')

export const delegation = z
  .object({
    delegation: z.string().openapi({ description: 'opens one task, for that agent alone; shown this once' }),
    expires_at: time,
  })
  .openapi('Delegation')

/** Either the detail under its name, or the detail itself with `context` beside its members. */
export const credentialBody = z
  .union([
    strict({ authorization_detail: detail, context: contextFields.optional() }),
    strict({ authorization_details: z.array(detail).length(1), context: contextFields.optional() }),
    z
      .looseObject({ type: z.string(), context: contextFields.optional() })
      .refine(allShown, hides)
      .refine(
        (body) => !('authorization_detail' in body || 'authorization_details' in body),
        'either the detail, or `authorization_detail`',
      ),
  ])
  .openapi('RequestCredential')

/** Of whatever is kept in a row. */
export const damaged = z
  .string()
  .optional()
  .openapi({ description: 'set where the stored row is not as the broker wrote it: what is wrong with it' })

const evidence = z
  .object({
    result: z.enum(evidenceResults),
    method: z.string(),
    at: time,
  })
  .openapi('Evidence')

export const lease = z
  .object({
    id: z.string(),
    task: z.string(),
    provider: z.string(),
    connection: z.string(),
    status: z.enum(leaseStatuses),
    authorization_detail: detail,
    class: z.enum(classes),
    revocation: z.enum(revocations),
    created_at: time,
    deadline: time,
    upstream_expires_at: time.nullable(),
    stands_until: time.nullable(),
    live_until: time.nullable(),
    ended_at: time.nullable(),
    fingerprint: z.string().nullable(),
    evidence: evidence.nullable(),
    damaged,
  })
  .openapi('Lease')

export const askingPolicy = z
  .object({ id: z.string(), description: z.string().nullable() })
  .openapi('AskingPolicy', { description: 'Its `@id`, and its `@description` where it has one.' })

export const approval = z
  .object({
    id: z.string(),
    group: z.string(),
    digest: z.string(),
    policies: z
      .array(askingPolicy)
      .optional()
      .openapi({ description: 'the policies that ask for it, as they were when it was asked' }),
    link: z.string().optional().openapi({
      description: 'the page on which it is answered, while it is `pending` and where there is one',
    }),
    status: z.enum(approvalStatuses),
    by: z.string().nullable().openapi({ description: 'who answered it, `ISSUER:SUBJECT`' }),
    at: time.nullable().openapi({ description: 'when it was answered' }),
    damaged,
  })
  .openapi('Approval')

export const host = z.string().nullable().openapi({
  description: 'the only web host that its credentials may be offered to; null where they are for none',
  example: 'github.com',
})

const upstream = z
  .object({ provider: z.string(), connection: z.string(), host })
  .openapi('Upstream', { description: 'What a detail of a task is minted by.' })

export const taskQuery = z.object({
  wait: z.coerce
    .number<string>()
    .int()
    .min(0)
    .max(60)
    .default(0)
    .openapi({ description: 'seconds to wait for while it is `pending_approval`' }),
})

const heartbeat = z.number().openapi({
  description:
    'seconds within which the workload has to be heard; silent for half as long again, the task ends',
})

/** Who acts for whom. */
export interface Act {
  sub: string
  task: string
  act?: Act | undefined
}

/** RFC 8693 §4.1 */
const act: z.ZodType<Act> = z
  .object({
    sub: z.string().openapi({ description: 'an agent' }),
    task: z.string(),
    get act() {
      return act.optional()
    },
  })
  .openapi('Act', {
    description:
      'Who acts for whom (RFC 8693 section 4.1): the agent itself, and within it whom it acts for.',
  })

export const task = z
  .object({
    id: z.string(),
    status: z.enum(taskStatuses),
    agent: z.string(),
    owner: z.string(),
    session: z
      .object({ issuer: z.string(), claims: z.record(z.string(), z.string()) })
      .optional()
      .openapi({ description: 'the run or session that opened it, where claims of its token name one' }),
    purpose: z.string(),
    authorization_details: z.array(detail),
    upstreams: z.array(upstream).openapi({ description: 'in the order of `authorization_details`' }),
    ttl: z.int(),
    context: z.record(z.string(), z.string()),
    parent: z.string().nullable().openapi({ description: 'the task that it hangs off, and ends with' }),
    depth: z.int().optional().openapi({ description: 'how many tasks it hangs off, where it does' }),
    act: act.optional(),
    heartbeat: heartbeat.optional(),
    created_at: time,
    expires_at: time,
    ended_at: time.nullable(),
    end_reason: z.enum(endReasons).nullable(),
    approvals: z.array(approval),
    remedy: z.string().optional().openapi({
      description: 'while it waits: who decides about what, until when, and how to wait for it',
    }),
    leases: z.array(lease),
    damaged,
  })
  .openapi('Task')

export const heartbeatBody = strict({ context: contextFields.optional() }).openapi('Heartbeat')

export const heard = z
  .object({ id: z.string(), status: z.enum(taskStatuses), expires_at: time, heartbeat: heartbeat.optional() })
  .openapi('Heard')

export const openedTask = task.extend({ task_token: z.string() }).openapi('OpenedTask')

export const denial = z
  .object({
    action: z.string(),
    resource: z.string(),
    policies: z.array(z.string()).openapi({ description: 'that forbid it; none where none permits it' }),
    descriptions: z
      .record(z.string(), z.string())
      .optional()
      .openapi({ description: 'by policy, its `@description`' }),
  })
  .openapi('Denial')

export const dryRun = z
  .object({
    decision: z.enum(['allowed', 'pending_approval', 'denied']),
    agent: z.string(),
    owner: z.string(),
    ttl: z.int(),
    approvals: z.array(z.string()).openapi({ description: 'groups whose yes is needed' }),
    denials: z.array(denial),
    leases: z.array(
      lease.pick({
        provider: true,
        connection: true,
        authorization_detail: true,
        class: true,
        revocation: true,
      }),
    ),
  })
  .openapi('DryRun')

export const minted = z
  .object({ lease, credential: z.record(z.string(), z.unknown()), host })
  .openapi('MintedCredential')

const name = line(300)

/** By name, as texts. */
const claimFields = z
  .record(line(300), text(16_384))
  .refine((claims) => Object.keys(claims).length > 0, 'at least one claim')
  .refine((claims) => Object.keys(claims).length <= 8, 'at most 8 claims')

/** Whoever can be kept out. */
const kept = [
  strict({ session: z.union([name, strict({ issuer: name, claims: claimFields })]) }),
  strict({ agent: name }),
  strict({ owner: name }),
  strict({ provider: name }),
  strict({ issuer: name }),
  strict({ claim: strict({ issuer: name, name, value: text(16_384) }) }),
  strict({ all: z.literal(true) }),
] as const

const until = time.optional().openapi({ description: 'when the fence ends by itself; absent: it is lifted' })

export const revocationBody = strict({
  selector: z.union([strict({ task: name }), strict({ lease: name }), ...kept]),
  reason: line(1000),
  fence: z.boolean().optional().openapi({
    description:
      'keep out what is ended: by default for one task, or the session of one, whose session is meant. For anything else it needs the right `suspend` too',
  }),
  until,
}).openapi('OrderRevocation')

export const fenceBody = strict({ selector: z.union(kept), reason: line(1000), until }).openapi('RaiseFence')

export const fence = z
  .object({
    id: z.string(),
    selector: z.union(kept),
    status: z.enum(['standing', 'over']),
    agents: z.array(z.string()).openapi({ description: 'the agents that it was raised on' }),
    reason: z.string(),
    by: z.string(),
    at: time,
    until: time.nullable(),
    damaged,
  })
  .openapi('Fence', { description: 'What keeps out, and whom.' })

export const revocation = z
  .object({
    id: z.string(),
    tasks: z.array(z.string()).openapi({ description: 'ids of the tasks that this ended' }),
    matched: z.int(),
    revoked: z.int(),
    pending: z.int(),
    irrevocable: z.int(),
    leases: z.array(lease),
    // Not `nullable()`: that would make a fence of the lists one that may be null.
    fence: z.union([fence, z.null()]),
  })
  .openapi('Revocation')

export const problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.enum(errorCodes),
    detail: z.string(),
    denials: z.array(denial).optional(),
    request_id: z.string().optional(),
  })
  .openapi('Problem')
