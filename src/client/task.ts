/** A task as a program has it: an object that mints within it, and that ends it. */
import { readFileSync } from 'node:fs'
import { systemClock } from '../base/clock.ts'
import { outboundFetch } from '../outbound/fetch.ts'
import { mayBeHeld } from '../wire/lease-states.ts'
import { untilDecided } from './approval.ts'
import {
  type AuthorizationDetail,
  type CallOptions,
  type Client,
  createClient,
  type Lease,
  type MintedCredential,
  type RetryOptions,
  type Task as TaskState,
  type TaskAccess,
} from './client.ts'
import { completeInTime } from './completion.ts'
import { startHeart } from './heart.ts'
import { findIdentity } from './identity.ts'
import { type BrokerFacts, knownBroker } from './login/brokers.ts'
import { UnsafeFile } from './login/files.ts'
import { taskFromEnvironment } from './task-environment.ts'

export interface BrokerOptions {
  /** The broker's public URL. Default: `MAYFLY_URL`. */
  url?: string | undefined
  /** What requests go out with. Default: the global one, through `HTTPS_PROXY` where that is set. */
  fetch?: typeof globalThis.fetch | undefined
}

/** What is asked for, in whatever way the task is opened. */
interface Asked {
  /** What the task is for, for whoever reads the record or approves it. */
  purpose: string
  /** All that the task may ask for: RFC 9396 authorization details. */
  scope: readonly AuthorizationDetail[]
  /** Seconds after which the task ends by itself. Default: what the agent is configured with. */
  ttl?: number | undefined
  /** Bound to the task; a credential asked for under another context ends it. */
  context?: Record<string, string> | undefined
  /** Told that humans have to approve, with the groups asked. The task is waited for meanwhile. */
  onApproval?: ((task: TaskState) => void) | undefined
  /** Ends the wait for an answer or an approval. */
  signal?: AbortSignal | undefined
}

export interface ChildOptions extends Asked {
  /** Another agent that it is for. Default: the one of the task that it hangs off. */
  agent?: string | undefined
}

export interface TaskOptions extends BrokerOptions, Asked {
  /** What a task of another agent has delegated to this one. */
  delegation?: string | undefined
  /**
   * This workload's OIDC token, or what gets a fresh one: it is asked each time a task is
   * opened, for a token opens one task. Default: what the command line finds
   * (`MAYFLY_TOKEN`, `MAYFLY_TOKEN_FILE`, GitHub Actions, Kubernetes).
   */
  identity?: string | ((audience: string) => string | Promise<string>) | undefined
}

/** The task was opened, and did not become active: `task.status` says what became of it. */
export class TaskNotApproved extends Error {
  readonly task: TaskState
  readonly remedy = 'Ask whoever decides about it what they would say yes to, then ask for that.'

  constructor(task: TaskState) {
    super(`${task.id} is ${task.status}`)
    this.name = 'TaskNotApproved'
    this.task = task
  }
}

/**
 * The task has ended, and not all of its credentials have been seen dead. The broker goes on trying. What was lost in its
 * mint is none of them: nobody was given it.
 */
export class CredentialsAlive extends Error {
  readonly task: TaskState
  readonly leases: readonly Lease[]
  readonly remedy =
    'The broker goes on trying to revoke them; have an admin look at them with `mayfly admin leases`.'

  constructor(task: TaskState) {
    const leases = task.leases.filter(mayBeHeld)
    super(`${task.id} is ${task.status}, and may leave alive ${leases.map(({ id }) => id).join(', ')}`)
    this.name = 'CredentialsAlive'
    this.task = task
    this.leases = leases
  }
}

/** Neither the call nor the environment says what is needed. */
export class NotConfigured extends Error {
  readonly remedy: string

  constructor(message: string, remedy: string) {
    super(message)
    this.name = 'NotConfigured'
    this.remedy = remedy
  }
}

/** An open task. `await using` ends it together with its block, however that is left. */
export class Task implements AsyncDisposable {
  readonly id: string
  readonly #client: Client
  readonly #access: TaskAccess
  #ended: Promise<TaskState> | undefined
  #heart: Disposable | undefined

  /** @internal Use `openTask` or `currentTask`. */
  constructor(client: Client, access: TaskAccess) {
    this.id = access.id
    this.#client = client
    this.#access = access
  }

  /** @internal Whoever opened it has it heard, until it is complete. */
  keepHeard(heartbeat: number | undefined): void {
    this.#heart = startHeart(this.#client, this.#access, heartbeat)
  }

  /** What the environment of a process is to hold that is to act in the task. Secret. */
  get environment(): { MAYFLY_TASK: string; MAYFLY_TASK_TOKEN: string } {
    return { MAYFLY_TASK: this.id, MAYFLY_TASK_TOKEN: this.#access.token }
  }

  /** The task as the broker has it now, with its leases. */
  async show(options?: CallOptions): Promise<TaskState> {
    return await this.#client.showTask(this.#access, options)
  }

  /**
   * Mints one credential: for `detail`, which is equal to or narrower than one detail of the
   * scope; without it, for the only one that the scope has. A call that gets no answer is made
   * again under the same key, and then only what it mints last lives.
   *
   * @throws BrokerProblem, BrokerUnreachable
   */
  async credential(
    detail?: AuthorizationDetail,
    options?: RetryOptions & { context?: Record<string, string> },
  ): Promise<MintedCredential> {
    return await this.#client.credential(this.#access, detail ?? (await this.#onlyDetail(options)), options)
  }

  /**
   * Opens a task that hangs off this one, and waits until it is active. Without `agent` it is decided as
   * if this workload opened it anew, and may have more; for another agent it lies within this one. It
   * ends with this one, or before it when it is completed.
   *
   * @throws TaskNotApproved, BrokerProblem, BrokerUnreachable
   */
  async child(options: ChildOptions): Promise<Task> {
    return await openWith(this.#client, this.#access.token, options)
  }

  /**
   * Hands a part of the task on to another agent, which has an identity of its own: a token with which
   * that agent, and nobody else, opens one task within 300 seconds (`delegation` of `openTask`).
   */
  async delegate(
    { agent, scope, ttl }: { agent: string; scope: readonly AuthorizationDetail[]; ttl?: number },
    options?: CallOptions,
  ): Promise<string> {
    const asked = { agent, authorization_details: [...scope], ...(ttl !== undefined && { ttl }) }
    return (await this.#client.delegate(this.#access, asked, options)).delegation
  }

  /**
   * Says that the workload is still there, which `openTask` and `child` do by themselves, and with
   * `context` what it is now: where an entry that the task was opened with has changed, the task ends.
   *
   * @throws BrokerProblem, BrokerUnreachable
   */
  async heartbeat(context?: Record<string, string>, options?: CallOptions): Promise<void> {
    await this.#client.heartbeat(this.#access, { ...options, ...(context && { context }) })
  }

  /** Has one credential revoked before the task is over. `lease` is `lease_…`, as `credential` answers it. */
  async giveBack(lease: string, options?: CallOptions): Promise<Lease> {
    return await this.#client.giveBack(this.#access, lease, options)
  }

  /**
   * Ends the task, has its credentials revoked, and waits some seconds for them to be seen
   * dead. Returns the task as it is then. Called again, it answers the same.
   *
   * @throws CredentialsAlive where one may still work; BrokerProblem, BrokerUnreachable
   */
  complete(): Promise<TaskState> {
    this.#ended ??= this.#complete()
    return this.#ended
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.complete()
  }

  async #complete(): Promise<TaskState> {
    this.#heart?.[Symbol.dispose]()
    try {
      const ended = await completeInTime(this.#client, this.#access)
      if (ended.leases.some(mayBeHeld)) throw new CredentialsAlive(ended)
      return ended
    } catch (error) {
      if (!(error instanceof CredentialsAlive)) this.#ended = undefined
      throw error
    }
  }

  async #onlyDetail(options?: CallOptions): Promise<AuthorizationDetail> {
    const { authorization_details: scope } = await this.show(options)
    const [only, ...others] = scope
    if (only && others.length === 0) return only
    throw new TypeError(`${this.id} may have ${scope.length} things: say which of them the credential is for`)
  }
}

/**
 * Opens a task and waits until it is active.
 *
 * @throws TaskNotApproved when humans say no, or nobody says yes in time.
 * @throws NoIdentity, NotConfigured, BrokerProblem, BrokerUnreachable
 */
export async function openTask(options: TaskOptions): Promise<Task> {
  const { client, url } = brokerOf(options)
  return await openWith(client, await identityOf(options, url), options)
}

/** `token`: the workload's identity, or that of the task that it is to hang off. */
async function openWith(
  client: Client,
  token: string,
  options: Asked & { agent?: string | undefined; delegation?: string | undefined },
): Promise<Task> {
  const { purpose, scope, ttl, context, onApproval, signal = new AbortController().signal } = options
  const { agent, delegation } = options
  const request = {
    purpose,
    authorization_details: [...scope],
    ...(ttl !== undefined && { ttl }),
    ...(context && { context }),
    ...(agent !== undefined && { agent }),
    ...(delegation !== undefined && { delegation }),
  }
  const opened = await client.openTask(token, request, { signal })
  const access = { id: opened.id, token: opened.task_token }
  const task = new Task(client, access)
  try {
    if (opened.status === 'pending_approval') onApproval?.(opened)
    const decided = await untilDecided(client, access, opened, signal)
    if (decided.status !== 'active') throw new TaskNotApproved(decided)
    task.keepHeard(decided.heartbeat)
    return task
  } catch (error) {
    // Nobody else knows of it. Its deadline ends it where this does not.
    await task.complete().catch(() => undefined)
    throw error
  }
}

/** Whoever opened it ends it. */
export type CurrentTask = Omit<Task, 'complete' | 'keepHeard' | typeof Symbol.asyncDispose>

/**
 * The task that this process runs in, as `mayfly run` hands it down; undefined outside any.
 *
 * @throws NotConfigured where no URL is known; TypeError where half of a task is in the environment.
 */
export function currentTask(options: BrokerOptions = {}): CurrentTask | undefined {
  const access = taskFromEnvironment(process.env)
  return access && new Task(brokerOf(options).client, access)
}

/** The way to a broker, whose certificate may come from a CA of one's own. */
function broker(url: string | undefined): typeof globalThis.fetch {
  return outboundFetch({
    env: process.env,
    ca: trusted(process.env['MAYFLY_CA']) ?? known(url)?.ca ?? undefined,
  })
}

/** As `mayfly bootstrap` has kept it. */
function known(url?: string): BrokerFacts | undefined {
  try {
    return knownBroker(process.env, url)
  } catch (error) {
    if (error instanceof UnsafeFile) throw new NotConfigured(error.message, error.remedy)
    throw error
  }
}

/** As the command line has it from `--ca`: `mayfly run` hands it down. */
function trusted(file: string | undefined): [string] | undefined {
  if (!file) return undefined
  try {
    return [readFileSync(file, 'utf8')]
  } catch {
    throw new NotConfigured(`${file} cannot be read`, 'Name a PEM file in MAYFLY_CA, or leave it unset.')
  }
}

function brokerOf({ url = process.env['MAYFLY_URL'] || known()?.url, fetch = broker(url) }: BrokerOptions) {
  if (!url)
    throw new NotConfigured(
      'no broker is named',
      'Give its URL as `url`, set MAYFLY_URL, or run `mayfly bootstrap URL` once.',
    )
  return { url, client: createClient({ url, fetch, clock: systemClock() }) }
}

async function identityOf(
  { identity, fetch = outboundFetch({ env: process.env }) }: TaskOptions,
  audience: string,
): Promise<string> {
  if (typeof identity === 'string') return identity
  if (identity) return await identity(audience)
  return await findIdentity({ env: process.env, audience, broker: audience, fetch })
}
