/**
 * The hooks of one session: its task is opened at the start, each tool call is decided before and
 * recorded after, and the task is completed at the end. Reads the hook's JSON on stdin.
 *
 * MAYFLY_URL is the broker, MAYFLY_SCOPE what the session may need, one item a line as `--scope` has
 * it. Who this is, `mayfly` finds out by itself (docs/identities.md).
 */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'

const { env } = process
const url = (env.MAYFLY_URL ?? '').replace(/\/+$/, '')
const event = JSON.parse(await text(process.stdin))
const session = String(event.session_id).replaceAll(/[^\w-]/g, '_')
const folder = join(env.XDG_STATE_HOME ?? join(homedir(), '.local', 'state'), 'mayfly', 'claude-code')
const file = join(folder, `${session}.json`)

const handlers = {
  SessionStart: start,
  UserPromptSubmit: beat,
  PreToolUse: ask,
  PostToolUse: () => record('succeeded'),
  PostToolUseFailure: () => record('failed'),
  ConfigChange: beat,
  SessionEnd: end,
}

class Refused extends Error {
  constructor(status, { code, detail }) {
    super(`${code}: ${detail}`)
    this.status = status
  }
}

try {
  const handler = handlers[event.hook_event_name]
  if (!handler) throw new Error(`no hook is known for ${event.hook_event_name}`)
  await handler()
} catch (error) {
  // What cannot be asked is not allowed; of all else the person is told. What fails before this is
  // no answer either, which `|| exit 2` in hooks.json makes a no.
  if (event.hook_event_name === 'PreToolUse') deny(`Mayfly could not be asked: ${error.message}`)
  else {
    process.stderr.write(`Mayfly: ${error.message}\n`)
    process.exitCode = 1
  }
}

/** Also after a resume, a clear or a compaction: the session's task goes on where it is not over. */
async function start() {
  const task = (await living()) ?? (await open())
  if (!env.CLAUDE_ENV_FILE) return
  // For what Bash runs: `mayfly token`, `mayfly git-credential` and their like.
  const lines = Object.entries({ MAYFLY_URL: url, MAYFLY_TASK: task.id, MAYFLY_TASK_TOKEN: task.token })
  appendFileSync(env.CLAUDE_ENV_FILE, lines.map(([name, value]) => `export ${name}='${value}'\n`).join(''))
}

async function open() {
  const scope = (env.MAYFLY_SCOPE ?? '').split('\n').filter((line) => line.trim() !== '')
  const args = [
    'task',
    'open',
    '--json',
    '--purpose',
    `Claude Code in ${event.cwd}`,
    '--context',
    `settings=${settings()}`,
  ]
  for (const each of scope) args.push('--scope', each.trim())
  const { stdout } = await promisify(execFile)('mayfly', args)
  const { id, task_token: token, agent } = JSON.parse(stdout)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  // Whole or not at all: half a file would lock the session out.
  writeFileSync(`${file}.new`, JSON.stringify({ id, token, agent }), { mode: 0o600 })
  renameSync(`${file}.new`, file)
  return { id, token, agent }
}

function held() {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined
}

async function living() {
  const task = held()
  const seen = task && (await call(task, `/v1/tasks/${task.id}`, { method: 'GET' }).catch(unknown))
  return seen && ['active', 'pending_approval'].includes(seen.status) ? task : undefined
}

/** The broker says that there is no such task, or none any more. That it is away says nothing. */
function unknown(error) {
  if (!(error instanceof Refused && [401, 404].includes(error.status))) throw error
}

/** A sign of life; and where what configures the session is another than at its start, the task ends. */
async function beat() {
  const task = held()
  if (task)
    await call(task, `/v1/tasks/${task.id}/heartbeat`, { body: { context: { settings: settings() } } })
}

async function ask() {
  const task = held()
  if (!task) return deny('this session has no task of Mayfly')
  const { tool_input: input = {} } = event
  const { decision, context } = await call(task, '/access/v1/evaluation', {
    body: {
      subject: { type: 'Agent', id: task.agent },
      action: { name: `tool.${event.tool_name}` },
      resource: { type: 'Tool', id: event.tool_name },
      ...(typeof input.command === 'string' && { context: { command: input.command } }),
    },
  })
  // A yes leaves it to what Claude Code asks by itself.
  if (decision) return
  const { reason, remedy, denials = [] } = context ?? {}
  const why = denials.flatMap(({ descriptions = {} }) => Object.values(descriptions))
  deny([[reason, ...why].join(': '), remedy].join('. '))
}

/** Never what was said or answered: a digest tells whether it was this. */
async function record(outcome) {
  const task = held()
  const digest = createHash('sha256')
    .update(JSON.stringify(event.tool_input ?? {}))
    .digest('hex')
  if (task)
    await call(task, `/v1/tasks/${task.id}/events`, { body: { name: event.tool_name, digest, outcome } })
}

async function end() {
  const task = held()
  if (!task) return
  await call(task, `/v1/tasks/${task.id}/complete`).catch(unknown)
  rmSync(file)
}

/** Of all files that configure what the session may do. */
function settings() {
  const project = env.CLAUDE_PROJECT_DIR ?? event.cwd
  const files = [join(homedir(), '.claude'), join(project, '.claude')].flatMap((directory) =>
    ['settings.json', 'settings.local.json'].map((name) => join(directory, name)),
  )
  const hash = createHash('sha256')
  for (const each of [...files, join(project, '.mcp.json')])
    hash.update(`${each}\0${existsSync(each) ? readFileSync(each, 'utf8') : ''}\0`)
  return hash.digest('hex')
}

async function call({ token }, path, { method = 'POST', body } = {}) {
  const answer = await fetch(url + path, {
    method,
    headers: {
      Authorization: `Bearer ${token}`,
      ...(body && { 'Content-Type': 'application/json' }),
    },
    ...(body && { body: JSON.stringify(body) }),
    redirect: 'error',
    signal: AbortSignal.timeout(30_000),
  })
  const parsed = await answer.json()
  if (!answer.ok) throw new Refused(answer.status, parsed)
  return parsed
}

function deny(reason) {
  const hookSpecificOutput = {
    hookEventName: 'PreToolUse',
    permissionDecision: 'deny',
    permissionDecisionReason: reason,
  }
  process.stdout.write(`${JSON.stringify({ hookSpecificOutput })}\n`)
}
