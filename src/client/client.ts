/**
 * The broker's API as typed calls. Values are those of the wire: members as it
 * names them, times as RFC 3339 strings in UTC, durations as whole seconds.
 */
import type { z } from 'zod'
import { endpointFault } from '../endpoint.ts'
import type * as schemas from '../http/schemas.ts'
import { bearer } from './bearer.ts'
import { BrokerProblem, BrokerUnreachable } from './problem.ts'

export { BrokerProblem, BrokerUnreachable } from './problem.ts'

/** One RFC 9396 authorization detail: `{ type: 'github', repositories: […], permissions: {…} }`. */
export type AuthorizationDetail = z.infer<typeof schemas.lease>['authorization_detail']
export type OpenTask = Omit<z.input<typeof schemas.openBody>, 'dry_run'>
export type Task = z.infer<typeof schemas.task>
/** `task_token` is shown this once. */
export type OpenedTask = z.infer<typeof schemas.openedTask>
export type Lease = z.infer<typeof schemas.lease>
/** `credential` is shaped by its provider and shown this once: `{ token }` for GitHub. */
export type MintedCredential = z.infer<typeof schemas.minted>
export type OrderRevocation = z.input<typeof schemas.revocationBody>
export type Revocation = z.infer<typeof schemas.revocation>

/** A task and the right to act in it. */
export interface TaskAccess {
  /** `task_…` */
  id: string
  /** `mft_…` */
  token: string
}

/**
 * Every method throws `BrokerProblem` when the broker refuses, and
 * `BrokerUnreachable` when there is no usable answer.
 */
export interface Client {
  /** Opens a task: `active`, or `pending_approval`. `identity` is the workload's OIDC token, which this uses up. */
  openTask(identity: string, request: OpenTask, options?: CallOptions): Promise<OpenedTask>
  /** The task with its leases; also for an hour after its end. */
  showTask(task: TaskAccess, options?: CallOptions): Promise<Task>
  /** Mints a credential for `detail`, which is equal to or narrower than exactly one detail of the task. */
  credential(
    task: TaskAccess,
    detail: AuthorizationDetail,
    options?: CallOptions & { context?: Record<string, string> },
  ): Promise<MintedCredential>
  /** Returns one credential before the task is done. */
  giveBack(task: TaskAccess, lease: string, options?: CallOptions): Promise<Lease>
  /** Ends the task and revokes its credentials; on an ended task, answers how it ended. */
  complete(task: TaskAccess, options?: CallOptions): Promise<Task>
  /** An admin's order. `identity` is the admin's OIDC token. */
  revoke(identity: string, order: OrderRevocation, options?: CallOptions): Promise<Revocation>
}

export interface CallOptions {
  /** Aborting a mint makes the broker revoke what it was minting. */
  signal?: AbortSignal
}

/** The broker gives an upstream up to twenty seconds to mint, and ten to confirm that a credential is dead. */
const answerWithinMs = 60_000

/**
 * A client of the broker at `url`.
 *
 * @throws TypeError for a url to which no token may be sent: only this machine
 *   is spoken to without TLS.
 */
export function createClient(given: { url: string; fetch?: typeof fetch }): Client {
  const fault = endpointFault(given.url)
  if (fault !== undefined) throw new TypeError(`the broker's url ${fault}`)
  const broker = { url: given.url.replace(/\/+$/, ''), fetch: given.fetch ?? fetch }
  const post = <Answer>(path: string, token: string, body: unknown, options?: CallOptions) =>
    call<Answer>(broker, { method: 'POST', path, token, body, ...options })

  return {
    openTask: (identity, request, options) => post('/v1/tasks', identity, request, options),
    showTask: (task, options) =>
      call(broker, { method: 'GET', path: taskPath(task), token: task.token, ...options }),
    credential: (task, detail, { context, ...options } = {}) =>
      post(
        `${taskPath(task)}/credentials`,
        task.token,
        { authorization_detail: detail, ...(context && { context }) },
        options,
      ),
    giveBack: (task, lease, options) =>
      post(`${taskPath(task)}/leases/${segment(lease)}/revoke`, task.token, undefined, options),
    complete: (task, options) => post(`${taskPath(task)}/complete`, task.token, undefined, options),
    revoke: (identity, order, options) => post('/v1/admin/revocations', identity, order, options),
  }
}

function taskPath({ id }: TaskAccess): string {
  return `/v1/tasks/${segment(id)}`
}

/** An id from elsewhere must not lead a token to another path (`..`). */
function segment(id: string): string {
  if (!/^\w{1,100}$/.test(id)) throw new TypeError('this is not the id of a task or lease')
  return id
}

interface Call extends CallOptions {
  method: 'GET' | 'POST'
  path: string
  token: string
  body?: unknown
}

async function call<Answer>(broker: { url: string; fetch: typeof fetch }, request: Call): Promise<Answer> {
  const { method, path, token, body, signal } = request
  const limit = AbortSignal.timeout(answerWithinMs)
  const init: RequestInit = {
    method,
    headers: {
      Authorization: bearer(token),
      Accept: 'application/json',
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
    },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    // A token goes to the broker and nowhere else.
    redirect: 'error',
    signal: signal ? AbortSignal.any([limit, signal]) : limit,
  }
  let response: Response
  let answer: unknown
  try {
    response = await broker.fetch(broker.url + path, init)
    answer = await response.json()
  } catch (error) {
    if (signal?.aborted) throw error
    throw new BrokerUnreachable(`${broker.url} gave no usable answer${reason(error)}`, { cause: error })
  }
  if (response.ok) return answer as Answer
  throw (
    problemOf(response, answer) ??
    new BrokerUnreachable(`${broker.url} answered ${response.status}, not as a broker does`)
  )
}

/** What went wrong beneath `fetch`, by its code: the messages there may quote what was sent. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return ''
  if (error.name === 'TimeoutError') return ` within ${answerWithinMs / 1000} seconds`
  if (error instanceof SyntaxError) return ': it is not JSON'
  const { cause } = error
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  if (typeof code === 'string') return ` (${code})`
  return cause instanceof Error && cause.message === 'unexpected redirect' ? ': it redirects elsewhere' : ''
}

function problemOf({ status, headers }: Response, answer: unknown): BrokerProblem | undefined {
  const {
    code,
    detail,
    denials,
    request_id: requestId,
  } = (answer ?? {}) as Partial<z.infer<typeof schemas.problem>>
  if (typeof code !== 'string' || typeof detail !== 'string') return undefined
  const seconds = Number(headers.get('Retry-After') ?? Number.NaN)
  return new BrokerProblem({
    status,
    code,
    detail,
    denials,
    requestId,
    ...(Number.isFinite(seconds) && { retryAfter: seconds }),
  })
}
