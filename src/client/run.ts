/** One command inside one task, which ends with it. */
import { systemClock } from '../base/clock.ts'
import { mayBeHeld } from '../wire/lease-states.ts'
import {
  type AuthorizationDetail,
  BrokerProblem,
  type Client,
  type OpenTask,
  type Task,
  type TaskAccess,
} from './client.ts'
import { completeInTime } from './completion.ts'
import { gitCredential } from './git-credential.ts'
import { GitTokens } from './git-tokens.ts'
import { KeptCredentials } from './kept.ts'
import type { Environment } from './run/ambient.ts'
import { untilDecided } from './approval.ts'
import { startHeart } from './heart.ts'
import { type Ending, NotStarted, startChild } from './run/child.ts'
import { childEnvironment } from './run/environment.ts'
import { firstFree } from './run/git-config.ts'
import { askForCredential, serveGit } from './run/git-socket.ts'
import { setGuards } from './run/guards.ts'
import { netrcLogins } from './run/netrc.ts'
import { quoted } from './run/shell.ts'
import { type Arrival, onSignal } from './run/signals.ts'
import { type Choice, equipTools } from './run/tools.ts'
import { githubItems } from './scope.ts'

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
  /** Of which the command gets all but what is a login: the workload's identity, or one that would be used beside the task's. */
  env: Environment
  /** Names of variables that it gets as they are in `env` all the same. */
  keep: readonly string[]
  /** Web origins that git's credentials are for. Default: `https://github.com`, and those that the task's scope is for. */
  gitHosts: readonly string[] | undefined
  /** How the command line of this very program is called, in words. */
  program: readonly string[]
  /** How it writes a detail. */
  scopeText: (detail: AuthorizationDetail) => string
  /** Whether to serve the secrets of its scope at an address, to whoever looks them up there. */
  secrets: boolean
  /** Whether to wait for the approval of humans where it is needed. */
  wait: boolean
  /** Told of what the one who started this should know, while it runs. */
  notify: (notice: Notice) => void
}

export type Notice =
  /** A login for GitHub that lies in `file`, out of git's way, but not of other programs'. */
  | { kind: 'other_login'; file: string; host: string }
  /** The task waits for the approvals that it names. */
  | { kind: 'awaits_approval'; task: Task }
  /** The scope holds several items for one tool, which uses the first. */
  | { kind: 'choice'; choice: Choice }
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
 * either ends. The command gets the task, a credential helper for git, and for
 * other tools what the scope holds of each; logins that would be used beside those
 * are kept from it.
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
  firstFree(env['GIT_CONFIG_COUNT'])

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
      using _heart = startHeart(client, task, active.heartbeat)
      const hosts = request.gitHosts ?? webHosts(active)
      for (const login of netrcLogins(env['HOME'], hosts)) request.notify({ kind: 'other_login', ...login })
      const git = { hosts, helper: gitHelper(request.program, hosts) }
      await using guards = await setGuards(git, request.program, env)
      using kept = new KeptCredentials({
        client,
        task,
        clock: systemClock(),
        ends: Date.parse(active.expires_at),
      })
      const tokens = new GitTokens({ client, task, kept })
      using _serving = await serveGit(guards.socket, task, async ({ action, input }) =>
        action === askForCredential
          ? JSON.stringify(await kept.get(JSON.parse(input) as AuthorizationDetail))
          : await gitCredential(action, input, { tokens: () => tokens, hosts }),
      )
      const { program, scopeText, secrets } = request
      const { signal } = stopped
      using tools = await equipTools(active, { ...guards, kept, program, scopeText, secrets, signal })
      for (const choice of tools.choices) request.notify({ kind: 'choice', choice })
      const given = { ...request, task, git, owners: ownersIn(active), guards: guards.env, tools: tools.env }
      stopped.signal.throwIfAborted()
      const child = startChild(request.command, childEnvironment(env, given))
      ran = child.process.pid !== undefined
      passOn = ({ signal, shared, insists }) => {
        if (shared && !insists) return
        child.process.kill(insists ? 'SIGKILL' : signal)
        if (!stops.has(signal)) return
        grace ??= setTimeout(() => {
          // In a task that is over each would be refused, on record.
          kept[Symbol.dispose]()
          void completeOnce()
        }, graceMs)
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

/** Also where the scope has nothing for github.com: whatever login there is for it is not the task's. */
function webHosts(task: Task): string[] {
  const named = githubItems(task).flatMap(({ host }) => (host === null ? [] : [`https://${host}`]))
  return [...new Set(['https://github.com', ...named])]
}

/** The credential helper for such hosts, as git's configuration has it: `!` and a line for sh. The command's PATH need not lead to us. */
function gitHelper(program: readonly string[], hosts: readonly string[]): string {
  const words = [...program, 'git-credential', ...hosts.flatMap((host) => ['--git-host', host])]
  return `!${words.map(quoted).join(' ')}`
}

function ownersIn(task: Task): string[] {
  const repositories = githubItems(task).flatMap(({ detail }) => detail.repositories)
  return [...new Set(repositories.map((name) => name.split('/', 1)[0]!))]
}

/**
 * Completes the task and says what is left to know. Never throws: how the command ended must not be lost. No
 * signal cuts this short: two Ctrl-C in a row are to stop the command, not what makes its credentials die.
 */
async function completed(
  { client, notify }: Run,
  opened: Task,
  task: TaskAccess,
  ran: boolean,
): Promise<void> {
  try {
    const ended = await completeInTime(client, task)
    if (ended.leases.some(mayBeHeld)) notify({ kind: 'still_alive', task: ended })
    else if (ran && ended.end_reason !== 'completed') notify({ kind: 'ended_before', task: ended })
  } catch (error) {
    // An hour after its end the broker no longer knows the task.
    const over = error instanceof BrokerProblem && error.code === 'not_found'
    if (!over) notify({ kind: 'not_completed', task: opened, error })
  }
}
