/** The task of one session of Claude Code: where it is kept, and the calls that are made in it. */
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

const { env } = process
export const url = (env.MAYFLY_URL ?? '').replace(/\/+$/, '')
const folder = join(env.XDG_STATE_HOME ?? join(homedir(), '.local', 'state'), 'mayfly', 'claude-code')
const fileOf = (session) => join(folder, `${String(session).replaceAll(/[^\w-]/g, '_')}.json`)

/** The broker's refusal, with its status. */
export class Refused extends Error {
  constructor(status, { code, detail }) {
    super(`${code}: ${detail}`)
    this.status = status
  }
}

/** What `keep` has kept; undefined where the session has no task. */
export function held(session) {
  return read(fileOf(session))
}

/** Of the session that this process of Claude Code is in now. */
export function heldBy({ pid, born }) {
  const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')) : []
  return files
    .map((name) => read(join(folder, name)))
    .find((task) => task?.assistant?.pid === pid && task.assistant.born === born)
}

function read(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined
}

/** Whole or not at all: half a file would lock the session out. */
export function keep(session, task) {
  const file = fileOf(session)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  writeFileSync(`${file}.new`, JSON.stringify(task), { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

export function forget(session) {
  rmSync(fileOf(session), { force: true })
}

/** @throws Refused where the broker says no; any other error says that it was not heard. */
export async function call({ token }, path, { method = 'POST', body } = {}) {
  const answer = await fetch(url + path, {
    method,
    headers: {
      Authorization: `Bearer ${token}`,
      ...(body && { 'Content-Type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
    redirect: 'error',
    // Less than the hook's own timeout, after which Claude Code would call the tool.
    signal: AbortSignal.timeout(30_000),
  })
  const parsed = await answer.json()
  if (!answer.ok) throw new Refused(answer.status, parsed)
  return parsed
}

/** A sign of life; and where what configures the session is another than at its start, the task ends. */
export async function beat(task, cwd) {
  await call(task, `/v1/tasks/${task.id}/heartbeat`, { body: { context: { settings: settings(cwd) } } })
}

/** A digest of all files that configure what the session may do. */
export function settings(cwd) {
  const project = env.CLAUDE_PROJECT_DIR ?? cwd
  const files = [join(homedir(), '.claude'), join(project, '.claude')].flatMap((directory) =>
    ['settings.json', 'settings.local.json'].map((name) => join(directory, name)),
  )
  const hash = createHash('sha256')
  for (const each of [...files, join(project, '.mcp.json')])
    hash.update(`${each}\0${existsSync(each) ? readFileSync(each, 'utf8') : ''}\0`)
  return hash.digest('hex')
}
