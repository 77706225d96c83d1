/**
 * The broker's API as typed calls. Values are those of the wire: members as it
 * names them, times as RFC 3339 strings in UTC, durations as whole seconds.
 */
import { randomUUID } from 'node:crypto'
import type { z } from 'zod'
import { type Clock, systemClock } from '../base/clock.ts'
import { endpointFault } from '../base/endpoint.ts'
import type * as adminSchemas from '../wire/admin-schemas.ts'
import type * as explainSchemas from '../wire/explain-schemas.ts'
import type * as schemas from '../wire/schemas.ts'
import type { Page } from '../base/page.ts'
import { type Broker, call, type CallOptions, type RetryOptions, waits } from './call.ts'

export type { CallOptions, RetryOptions } from './call.ts'
export { BrokerProblem, BrokerUnreachable } from './problem.ts'

/** One RFC 9396 authorization detail: `{ type: 'github', repositories: […], permissions: {…} }`. */
export type AuthorizationDetail = z.infer<typeof schemas.lease>['authorization_detail']
export type OpenTask = Omit<z.input<typeof schemas.openBody>, 'dry_run'>
export type Task = z.infer<typeof schemas.task>
/** `task_token` is shown this once. */
export type OpenedTask = z.infer<typeof schemas.openedTask>
export type Lease = z.infer<typeof schemas.lease>
export type Heard = z.infer<typeof schemas.heard>
export type Delegate = z.input<typeof schemas.delegationBody>
/** `delegation` is shown this once. */
export type Delegation = z.infer<typeof schemas.delegation>
export type Explain = z.input<typeof explainSchemas.explainBody>
export type Explanation = z.infer<typeof explainSchemas.explanation>
/** `credential` is shaped by its provider and shown this once: `{ token }` for GitHub. */
export type MintedCredential = z.infer<typeof schemas.minted>
export type OrderRevocation = z.input<typeof schemas.revocationBody>
export type Revocation = z.infer<typeof schemas.revocation>
export type Fence = z.infer<typeof schemas.fence>
export type Agent = z.infer<typeof adminSchemas.agent>
export type AdminLease = z.infer<typeof adminSchemas.adminLease>
/** `digest` is that of `request`, the whole of what is to be approved. */
export type ApprovalRequest = z.infer<typeof adminSchemas.approvalRequest>
export type AuditEvent = z.infer<typeof adminSchemas.auditEvent>
/** What is known of a token that turned up: its hash, or what upstream calls it. */
export type Clue = z.input<typeof adminSchemas.clue>
/** Whose it is; no items where it is unknown. */
export type Findings = z.infer<typeof adminSchemas.findings>
export type AnswerApproval = z.input<typeof adminSchemas.answerBody>

/** `warnings`: what is doubtful, or stays as it was until a restart. */
export type Reloaded = z.infer<typeof adminSchemas.reloaded>

/** What an admin can list: what each item is, and by what it can be filtered and paged. */
export interface Lists {
  agents: { item: Agent; query: z.input<typeof adminSchemas.agentsQuery> }
  tasks: { item: Task; query: z.input<typeof adminSchemas.tasksQuery> }
  leases: { item: AdminLease; query: z.input<typeof adminSchemas.leasesQuery> }
  approvals: { item: ApprovalRequest; query: z.input<typeof adminSchemas.approvalsQuery> }
  fences: { item: Fence; query: z.input<typeof adminSchemas.fencesQuery> }
  audit: { item: AuditEvent; query: z.input<typeof adminSchemas.auditQuery> }
}

/** A task and the right to act in it. */
export interface TaskAccess {
  /** `task_…` */
  id: string
  /** `mft_…` */
  token: string
}

/**
 * Every method throws `BrokerProblem` when the broker refuses, and
 * `BrokerUnreachable` when there is no usable answer; both have a `remedy`. A broker
 * that is not there, does not answer in time, or says to come back, is called again for
 * up to fifteen seconds, unless the call may have been carried out and must not be twice.
 */
export interface Client {
  /** Opens a task: `active`, or `pending_approval`. `identity` is the workload's OIDC token, which this uses up. */
  openTask(identity: string, request: OpenTask, options?: RetryOptions): Promise<OpenedTask>
  /**
   * The task with its leases; also for an hour after its end. With `wait`, up to 60 seconds,
   * once it is no longer `pending_approval`, or as it is then.
   */
  showTask(task: TaskAccess, options?: CallOptions & { wait?: number }): Promise<Task>
  /** What may be had, and what it would need. `token` is an identity token, which stays good, or a task's. Nothing is kept. */
  explain(token: string, request: Explain, options?: CallOptions): Promise<Explanation>
  /** Mints a credential for `detail`, which is equal to or narrower than exactly one detail of the task. */
  credential(
    task: TaskAccess,
    detail: AuthorizationDetail,
    options?: RetryOptions & { context?: Record<string, string> },
  ): Promise<MintedCredential>
  /** Returns one credential before the task is done. */
  giveBack(task: TaskAccess, lease: string, options?: CallOptions): Promise<Lease>
  /** Says that the workload is still there. With a `context` that is not what the task was opened with, the task ends. */
  heartbeat(task: TaskAccess, options?: CallOptions & { context?: Record<string, string> }): Promise<Heard>
  /** Hands a part of the task on to another agent: a token that opens one task, with that agent's own identity. */
  delegate(task: TaskAccess, request: Delegate, options?: CallOptions): Promise<Delegation>
  /** Ends the task and revokes its credentials; on an ended task, answers how it ended. */
  complete(task: TaskAccess, options?: CallOptions): Promise<Task>
  /** An admin's order. `identity` is the admin's OIDC token. */
  revoke(identity: string, order: OrderRevocation, options?: CallOptions): Promise<Revocation>
  /** One event of the record. */
  event(identity: string, seq: number, options?: CallOptions): Promise<AuditEvent>
  /** Whose a token is. Never takes the token itself. */
  find(identity: string, clue: Clue, options?: CallOptions): Promise<Findings>
  /** One page, the newest first, agents by name. `next` is the `cursor` of the page after it. */
  list<Kind extends keyof Lists>(
    identity: string,
    kind: Kind,
    query?: Lists[Kind]['query'],
    options?: CallOptions,
  ): Promise<Page<Lists[Kind]['item']>>
  /** An admin's yes to the request with this digest. Answers the task as it is then. */
  approve(identity: string, approval: string, answer: AnswerApproval, options?: CallOptions): Promise<Task>
  /** An admin's no: the task ends. */
  deny(identity: string, approval: string, answer: AnswerApproval, options?: CallOptions): Promise<Task>
  /** Takes a fence away. Answers it as it stood. */
  lift(identity: string, fence: string, reason: string, options?: CallOptions): Promise<Fence>
  /** Stops the agent until it is resumed, and revokes what it holds. */
  suspend(identity: string, agent: string, reason: string, options?: CallOptions): Promise<Agent>
  resume(identity: string, agent: string, reason: string, options?: CallOptions): Promise<Agent>
  /** Has the broker read its configuration again. */
  reload(identity: string, options?: CallOptions): Promise<Reloaded>
}

/**
 * A client of the broker at `url`.
 *
 * @throws TypeError for a url to which no token may be sent: only this machine
 *   is spoken to without TLS.
 */
export function createClient(given: { url: string; fetch?: typeof globalThis.fetch; clock?: Clock }): Client {
  const fault = endpointFault(given.url)
  if (fault !== undefined) throw new TypeError(`the broker's url ${fault}`)
  const broker: Broker = {
    url: given.url.replace(/\/+$/, ''),
    fetch: given.fetch ?? fetch,
    clock: given.clock ?? systemClock(),
  }
  type Options = RetryOptions | undefined
  const get = <Answer>(path: string, token: string, waitMs: number, options: Options) =>
    call<Answer>(broker, { method: 'GET', path, token, waitMs, repeatable: true, ...options })
  const post = <Answer>(path: string, token: string, body: unknown, waitMs: number, options: Options) =>
    call<Answer>(broker, { method: 'POST', path, token, body, waitMs, repeatable: false, ...options })
  const repeat = <Answer>(path: string, token: string, body: unknown, waitMs: number, options: Options) =>
    call<Answer>(broker, { method: 'POST', path, token, body, waitMs, repeatable: true, ...options })
  const keyed = <Answer>(path: string, token: string, body: unknown, waitMs: number, options: Options) =>
    repeat<Answer>(path, token, body, waitMs, { idempotencyKey: randomUUID(), ...options })
  const { keys, ending, mint, everything } = waits

  return {
    openTask: (identity, request, options) => keyed('/v1/tasks', identity, request, keys, options),
    showTask: (task, { wait = 0, ...options } = {}) =>
      get(`${taskPath(task)}${wait > 0 ? `?wait=${wait}` : ''}`, task.token, wait * 1000, options),
    explain: (token, request, options) => repeat('/v1/explain', token, request, keys, options),
    credential: (task, detail, { context, ...options } = {}) =>
      keyed(
        `${taskPath(task)}/credentials`,
        task.token,
        { authorization_detail: detail, ...(context && { context }) },
        mint,
        options,
      ),
    giveBack: (task, lease, options) =>
      repeat(`${taskPath(task)}/leases/${segment(lease)}/revoke`, task.token, undefined, ending, options),
    heartbeat: (task, { context, ...options } = {}) =>
      repeat(`${taskPath(task)}/heartbeat`, task.token, { ...(context && { context }) }, ending, options),
    delegate: (task, request, options) =>
      post(`${taskPath(task)}/delegations`, task.token, request, 0, options),
    complete: (task, options) => repeat(`${taskPath(task)}/complete`, task.token, undefined, ending, options),
    revoke: (identity, order, options) =>
      repeat('/v1/admin/revocations', identity, order, everything, options),
    list: (identity, kind, query = {}, options) =>
      get(`/v1/admin/${kind}${queryText(query)}`, identity, keys, options),
    event: (identity, seq, options) => get(`/v1/admin/audit/${seq}`, identity, keys, options),
    find: (identity, clue, options) => repeat('/v1/admin/find', identity, clue, keys, options),
    approve: (identity, approval, answer, options) =>
      post(`/v1/admin/approvals/${segment(approval)}/approve`, identity, answer, keys, options),
    deny: (identity, approval, answer, options) =>
      post(`/v1/admin/approvals/${segment(approval)}/deny`, identity, answer, keys + ending, options),
    lift: (identity, fence, reason, options) =>
      call(broker, {
        method: 'DELETE',
        path: `/v1/admin/fences/${segment(fence)}${queryText({ reason })}`,
        token: identity,
        waitMs: keys,
        repeatable: false,
        ...options,
      }),
    suspend: (identity, agent, reason, options) =>
      post(`/v1/admin/agents/${agentSegment(agent)}/suspend`, identity, { reason }, everything, options),
    resume: (identity, agent, reason, options) =>
      post(`/v1/admin/agents/${agentSegment(agent)}/resume`, identity, { reason }, keys, options),
    reload: (identity, options) => post('/v1/admin/reload', identity, undefined, everything, options),
  }
}

function taskPath({ id }: TaskAccess): string {
  return `/v1/tasks/${segment(id)}`
}

function queryText(query: Record<string, string | undefined>): string {
  const text = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) text.append(name, value)
  return text.size > 0 ? `?${text.toString()}` : ''
}

/** An id from elsewhere must not lead a token to another path (`..`). */
function segment(id: string): string {
  if (!/^\w{1,100}$/.test(id)) throw new TypeError('this is not the id of a task, lease, approval or fence')
  return id
}

function agentSegment(name: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(name)) throw new TypeError('this is not the name of an agent')
  return name
}
