/**
 * The hooks of one session: its task is opened at the start, each tool call is decided before and
 * recorded after, and the task is completed at the end. Reads the hook's JSON on stdin.
 *
 * MAYFLY_URL is the broker, MAYFLY_SCOPE what the session may need, one item a line as `--scope` has
 * it. Who this is, `mayfly` finds out by itself (docs/identities.md).
 */
import { execFile, spawn } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { assistant } from './assistant.mjs'
import { beat, call, forget, held, keep, Refused, settings, url } from './session.mjs'

const { env } = process
const event = JSON.parse(await text(process.stdin))
const session = event.session_id

const handlers = {
  SessionStart: start,
  UserPromptSubmit: alive,
  PreToolUse: ask,
  PostToolUse: () => record('succeeded'),
  PostToolUseFailure: () => record('failed'),
  ConfigChange: alive,
  SessionEnd: end,
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
  goOnBeating(task)
  if (!env.CLAUDE_ENV_FILE) return
  // For what Bash runs: `mayfly token`, `mayfly git-credential` and their like.
  const lines = Object.entries({ MAYFLY_URL: url, MAYFLY_TASK: task.id, MAYFLY_TASK_TOKEN: task.token })
  appendFileSync(env.CLAUDE_ENV_FILE, lines.map(([name, value]) => `export ${name}='${value}'\n`).join(''))
}

async function open() {
  const scope = (env.MAYFLY_SCOPE ?? '').split('\n').filter((line) => line.trim() !== '')
  const args = ['task', 'open', '--json', '--purpose', `Claude Code in ${event.cwd}`]
  args.push('--context', `settings=${settings(event.cwd)}`)
  for (const each of scope) args.push('--scope', each.trim())
  const { stdout } = await promisify(execFile)('mayfly', args)
  const { id, task_token: token, agent, heartbeat } = JSON.parse(stdout)
  return { id, token, agent, heartbeat }
}

async function living() {
  const task = held(session)
  const seen = task && (await call(task, `/v1/tasks/${task.id}`, { method: 'GET' }).catch(unknown))
  return seen && ['active', 'pending_approval'].includes(seen.status) ? task : undefined
}

/** The broker says that there is no such task, or none any more. That it is away says nothing. */
function unknown(error) {
  if (!(error instanceof Refused && [401, 404].includes(error.status))) throw error
}

/** While nobody asks anything there are no hooks. The file names the last beat, and any other ends itself. */
function goOnBeating(task) {
  const kept = { ...task, assistant: assistant(), beat: randomUUID() }
  keep(session, kept)
  if (!task.heartbeat || !kept.assistant) return
  const script = fileURLToPath(new URL('beat.mjs', import.meta.url))
  const words = [script, session, kept.beat, String(task.heartbeat), event.cwd]
  spawn(process.execPath, words, { detached: true, stdio: 'ignore', cwd: '/' }).unref()
}

async function alive() {
  const task = held(session)
  if (task) await beat(task, event.cwd)
}

async function ask() {
  const task = held(session)
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
  const task = held(session)
  const digest = createHash('sha256')
    .update(JSON.stringify(event.tool_input ?? {}))
    .digest('hex')
  if (task)
    await call(task, `/v1/tasks/${task.id}/events`, { body: { name: event.tool_name, digest, outcome } })
}

async function end() {
  const task = held(session)
  if (!task) return
  await call(task, `/v1/tasks/${task.id}/complete`).catch(unknown)
  forget(session)
}

function deny(reason) {
  const hookSpecificOutput = {
    hookEventName: 'PreToolUse',
    permissionDecision: 'deny',
    permissionDecisionReason: reason,
  }
  process.stdout.write(`${JSON.stringify({ hookSpecificOutput })}\n`)
}
