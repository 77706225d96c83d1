/**
 * The way from git's helper, and from what other tools call, to the run that it is part of, which keeps
 * the credentials between the calls: a socket in the run's own folder, one question a connection.
 */
import { once } from 'node:events'
import { createConnection, createServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import type { AuthorizationDetail, TaskAccess } from '../client.ts'
import { NoGitCredential } from '../git-tokens.ts'
import type { KeptCredential } from '../kept.ts'
import { BrokerProblem, BrokerUnreachable } from '../problem.ts'

/** By which a helper finds it. */
export const socketVariable = 'MAYFLY_RUN_SOCKET'

export interface Question {
  /** A task of its own that a command has opened inside the run has nothing to do with the run's. */
  task: TaskAccess
  action: string
  input: string
  /** The web origins that whoever asks answers git for. */
  hosts?: readonly string[]
}

type Told =
  | { answer: string }
  | { notMine: true }
  | { problem: ConstructorParameters<typeof BrokerProblem>[0] }
  | { unreachable: { message: string; outcome: BrokerUnreachable['outcome']; remedy: string } }
  | { refused: { message: string; remedy: string } }

/** Serves the questions of `task` at `path` until it is closed. @throws Error where there can be no socket at `path` */
export async function serveGit(
  path: string,
  task: TaskAccess,
  answer: (question: Question) => Promise<string>,
): Promise<Disposable> {
  const serve = async (socket: Socket): Promise<Told> => {
    const question = JSON.parse(await text(socket)) as Question
    const { task: asking } = question
    if (asking.id !== task.id || asking.token !== task.token) return { notMine: true }
    return await answer(question).then((given) => ({ answer: given }), told)
  }
  const open = new Set<Socket>()
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    open.add(socket)
    socket.on('error', () => undefined).on('close', () => open.delete(socket))
    void serve(socket).then(
      (outcome) => socket.end(JSON.stringify(outcome)),
      () => socket.destroy(),
    )
  })
  server.listen(path)
  await once(server, 'listening')
  return {
    [Symbol.dispose]() {
      server.close()
      for (const socket of open) socket.destroy()
    },
  }
}

/** What else than git's a run is asked: one credential of its task, by its detail as JSON. */
export const askForCredential = 'credential'

/** The credential that the run keeps which this process is part of; undefined where it is part of none, or `task` is not the run's. */
export async function askForKept(
  env: Record<string, string | undefined>,
  task: TaskAccess,
  detail: AuthorizationDetail,
): Promise<KeptCredential | undefined> {
  const path = env[socketVariable]
  if (!path) return undefined
  const answer = await askRun(path, { task, action: askForCredential, input: JSON.stringify(detail) })
  return answer === undefined ? undefined : (JSON.parse(answer) as KeptCredential)
}

/**
 * Asks the run at `path`; undefined where there is none, or `task` is not its task.
 *
 * @throws NoGitCredential, BrokerProblem, BrokerUnreachable
 */
export async function askRun(path: string, question: Question): Promise<string | undefined> {
  const outcome = await exchange(path, question)
  if (!outcome || 'notMine' in outcome) return undefined
  if ('answer' in outcome) return outcome.answer
  if ('problem' in outcome) throw new BrokerProblem(outcome.problem)
  if ('unreachable' in outcome) throw new BrokerUnreachable(outcome.unreachable.message, outcome.unreachable)
  throw new NoGitCredential(outcome.refused.message, outcome.refused.remedy)
}

async function exchange(path: string, question: Question): Promise<Told | undefined> {
  const socket = createConnection({ path, allowHalfOpen: true })
  try {
    await once(socket, 'connect')
    socket.end(JSON.stringify(question))
    return JSON.parse(await text(socket)) as Told
  } catch {
    // The run is over, or out of reach: the helper then asks the broker by itself.
    return undefined
  } finally {
    socket.destroy()
  }
}

function told(error: unknown): Told {
  if (error instanceof BrokerProblem) {
    const { status, code, detail, denials, retryAfter, requestId } = error
    return { problem: { status, code, detail, denials, retryAfter, requestId } }
  }
  if (error instanceof BrokerUnreachable) {
    const { message, outcome, remedy } = error
    return { unreachable: { message, outcome, remedy } }
  }
  if (error instanceof NoGitCredential) return { refused: { message: error.message, remedy: error.remedy } }
  return {
    refused: {
      message: error instanceof Error ? error.message : 'unknown error',
      remedy: 'Correct what it names.',
    },
  }
}
