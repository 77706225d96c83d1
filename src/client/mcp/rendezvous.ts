/**
 * Where an MCP server and the helpers that work beside it find each other: sockets in a folder of
 * this user's alone. Its name follows from the token of the task that both run in, so that
 * who does not hold that finds nothing; outside any task from the broker (docs/decisions/0054).
 */
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { lstat, mkdir, readdir, rm, rmdir } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TaskAccess } from '../client.ts'
import { askRun, type Question, serveGit } from '../run/git-socket.ts'

type Environment = Record<string, string | undefined>

/** Whom a socket is for: the task that it serves, or none, at one broker. */
export interface Meeting {
  url: string
  task: TaskAccess | undefined
}

/** No task's. */
const nobody: TaskAccess = { id: '', token: '' }

/** Serves the helpers until it is disposed of. @throws Error where there can be no folder that is nobody else's. */
export async function serveHelpers(
  meeting: Meeting,
  env: Environment,
  answer: (question: Question) => Promise<string>,
): Promise<AsyncDisposable> {
  const folder = folderOf(meeting, env)
  for (const each of [parentOf(env), folder]) {
    await mkdir(each, { recursive: true, mode: 0o700 })
    if (!(await isOurs(each))) throw new Error(`${each} is not a folder of this user's alone`)
  }
  await sweep(folder)
  const path = join(folder, randomBytes(4).toString('hex'))
  const serving = await serveGit(path, meeting.task ?? nobody, answer)
  return {
    async [Symbol.asyncDispose]() {
      serving[Symbol.dispose]()
      await rm(path, { force: true })
      // Another server of the same task may be there still.
      await rmdir(folder).catch(() => undefined)
    },
  }
}

/**
 * What the servers of the meeting have to say, one after the other; nothing where there is none.
 *
 * @throws NoGitCredential, BrokerProblem, BrokerUnreachable
 */
export async function* askServers(
  meeting: Meeting,
  env: Environment,
  question: Omit<Question, 'task'>,
): AsyncGenerator<string> {
  const folder = folderOf(meeting, env)
  if (!(await isOurs(parentOf(env))) || !(await isOurs(folder))) return
  for (const name of await readdir(folder)) {
    // One that has died without removing it does not answer.
    const answer = await askRun(join(folder, name), { task: meeting.task ?? nobody, ...question })
    if (answer !== undefined) yield answer
  }
}

/** What servers have left that were killed. */
async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const socket = createConnection(join(folder, name))
    try {
      await once(socket, 'connect')
    } catch {
      await rm(join(folder, name), { force: true })
    } finally {
      socket.destroy()
    }
  }
}

function parentOf({ XDG_RUNTIME_DIR: runtime }: Environment): string {
  return runtime ? join(runtime, 'mayfly') : join(tmpdir(), `mayfly-${process.getuid?.() ?? 'user'}`)
}

/** The path of a socket has little room: some systems allow 104 bytes. */
function folderOf({ url, task }: Meeting, env: Environment): string {
  const name = createHash('sha256')
    .update(JSON.stringify(task ?? url))
    .digest('hex')
    .slice(0, 24)
  return join(parentOf(env), name)
}

/** In a folder that all may write to, somebody else may have been there first. */
async function isOurs(folder: string): Promise<boolean> {
  const found = await lstat(folder).catch(() => undefined)
  if (!found?.isDirectory()) return false
  return process.getuid === undefined || (found.uid === process.getuid() && (found.mode & 0o077) === 0)
}
