/** One command inside one task, which ends with it. */
import { setTimeout as pause } from 'node:timers/promises'
import { isOver, mayStillWork } from '../leases/lease.ts'
import { BrokerProblem, type Client, type OpenTask, type Task, type TaskAccess } from './client.ts'
import { untilDecided } from './run/approval.ts'
import { type Ending, NotStarted, startChild } from './run/child.ts'
import { childEnvironment, type Environment, type GhLogin, type GitSetup } from './run/environment.ts'
import { type Arrival, onSignal } from './run/signals.ts'

export type { Ending } from './run/child.ts'

export interface Run {
  client: Client
  /** The broker's, for the command's own use. */
  url: string
  /** The workload's OIDC token, which this uses up. */
  identity: string
  task: OpenTask
  /** A program, found by `PATH`, and its arguments. */
  command: readonly [string, ...string[]]
  /** Of which the command gets all but what is the workload's identity. */
  env: Environment
  git: GitSetup
  /** Whether to wait for the approval of humans where it is needed. */
  wait: boolean
  /** Told of what the one who started this should know, while it runs. */
  notify: (notice: Notice) => void
}

export type Notice =
  /** The task waits for the approvals that it names. */
  | { kind: 'awaits_approval'; task: Task }
  | { kind: 'not_started'; error: NotStarted }
  /** The task's deadline came, or somebody ended it, before the command ended. */
  | { kind: 'ended_before'; task: Task }
  /** The task is completed, and not all of its credentials have been seen dead. */
  | { kind: 'still_alive'; task: Task }
  | { kind: 'not_completed'; task: Task; error: unknown }

/** The task was opened, and will not become active; it is over. */
export class NotApproved extends Error {
  readonly task: Task

  constructor(task: Task) {
    super(`${task.id} is ${task.status}`)
    this.name = 'NotApproved'
    this.task = task
  }
}

/** A signal came before the command was started. */
class Interrupted extends Error {
  readonly signal: NodeJS.Signals

  constructor(signal: NodeJS.Signals) {
    super(signal)
    this.signal = signal
  }
}

/** How long a command keeps its credentials that goes on after one of `stops`: what cancels a job kills it soon after. */
const graceMs = 5_000
const stops = new Set<NodeJS.Signals>(['SIGINT', 'SIGTERM'])

/**
 * Opens a task, runs the command in it, and completes the task, in whatever way
 * either ends. The command gets the task, a credential helper for git, and as
 * `GH_TOKEN` a token for the one GitHub scope of the task, if it has exactly one.
 *
 * SIGINT, SIGTERM, SIGHUP and SIGQUIT are passed on, unless the terminal has sent
 * them to the command itself; a second SIGINT kills it.
 *
 * @returns how the command ended; how it would have, where a signal came first.
 * @throws NotApproved, BrokerProblem, BrokerUnreachable: before the command is started.
 */
export async function run(request: Run): Promise<Ending> {
  const { client, identity, task: asked, env } = request
  // Found wrong now, it costs no task.
  childEnvironment(env, { ...request, task: { id: '', token: '' }, gh: undefined })

  const stopped = new AbortController()
  const insisted = new AbortController()
  let passOn: ((arrival: Arrival) => void) | undefined
  const deafen = onSignal((arrival) => {
    stopped.abort(new Interrupted(arrival.signal))
    if (arrival.insists) insisted.abort(new Interrupted(arrival.signal))
    passOn?.(arrival)
  })
  try {
    // Not given up at one signal: a task that is opened all the same would have nobody to complete it.
    const opened = await client.openTask(identity, asked, { signal: insisted.signal })
    const task = { id: opened.id, token: opened.task_token }
    let ran = false
    let completion: Promise<void> | undefined
    const completeOnce = () => (completion ??= completed(request, opened, task, ran))
    let grace: NodeJS.Timeout | undefined
    try {
      const active = await approved(request, opened, task, stopped.signal)
      const gh = await mintForGh(client, task, active, stopped.signal)
      stopped.signal.throwIfAborted()
      const child = startChild(request.command, childEnvironment(env, { ...request, task, gh }))
      ran = child.process.pid !== undefined
      passOn = ({ signal, shared, insists }) => {
        if (shared && !insists) return
        child.process.kill(insists ? 'SIGKILL' : signal)
        if (stops.has(signal)) grace ??= setTimeout(() => void completeOnce(), graceMs)
      }
      return await child.ended
    } finally {
      passOn = undefined
      clearTimeout(grace)
      await completeOnce()
    }
  } catch (error) {
    if (error instanceof Interrupted) return { signal: error.signal }
    if (!(error instanceof NotStarted)) throw error
    request.notify({ kind: 'not_started', error })
    return { status: error.status }
  } finally {
    deafen()
  }
}

async function approved(
  { client, wait, notify }: Run,
  opened: Task,
  task: TaskAccess,
  signal: AbortSignal,
): Promise<Task> {
  if (opened.status === 'active') return opened
  if (opened.status === 'pending_approval' && wait) notify({ kind: 'awaits_approval', task: opened })
  const decided = wait ? await untilDecided(client, task, opened, signal) : opened
  if (decided.status === 'active') return decided
  throw new NotApproved(decided)
}

/** `gh` cannot call a helper, so it has its token from the start. Which of several it would want cannot be known. */
async function mintForGh(
  client: Client,
  task: TaskAccess,
  { authorization_details: scope }: Task,
  signal: AbortSignal,
): Promise<GhLogin | undefined> {
  const [detail, ...more] = scope.filter(({ type }) => type === 'github')
  if (!detail || more.length > 0) return undefined
  const { credential, host } = await client.credential(task, detail, { signal })
  const { token } = credential
  return typeof token === 'string' && host !== null ? { token, host } : undefined
}

/** No signal cuts this short: two Ctrl-C in a row are to stop the command, not what makes its credentials die. */
const completionMs = 30_000
/** Between looks at whether the broker has seen them dead. */
const deathMs = [500, 1_000, 1_500, 2_000]

/** Completes the task and says what is left to know. Never throws: how the command ended must not be lost. */
async function completed(
  { client, notify }: Run,
  opened: Task,
  task: TaskAccess,
  ran: boolean,
): Promise<void> {
  try {
    const signal = AbortSignal.timeout(completionMs)
    const ended = await untilDead(client, task, await client.complete(task, { signal }), signal)
    const alive = !ended.leases.every(isOver)
    if (alive) notify({ kind: 'still_alive', task: ended })
    else if (ran && ended.end_reason !== 'completed') notify({ kind: 'ended_before', task: ended })
  } catch (error) {
    // An hour after its end the broker no longer knows the task.
    const over = error instanceof BrokerProblem && error.code === 'not_found'
    if (!over) notify({ kind: 'not_completed', task: opened, error })
  }
}

/** The completed task, after a while in which what upstream was slow to hear of is seen dead. */
async function untilDead(client: Client, task: TaskAccess, ended: Task, signal: AbortSignal): Promise<Task> {
  let latest = ended
  for (const ms of deathMs) {
    if (!latest.leases.some(mayStillWork)) break
    await pause(ms, undefined, { signal }).catch(() => undefined)
    latest = await client.showTask(task, { signal }).catch(() => latest)
  }
  return latest
}
