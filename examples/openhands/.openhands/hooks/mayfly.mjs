/**
 * Hooks of OpenHands in a task: policy decides each tool call before it is made, and the call is put on
 * record after it. Reads the event's JSON on stdin; the task is that of `mayfly run`.
 */
import { createHash } from 'node:crypto'
import { text } from 'node:stream/consumers'

const { MAYFLY_URL: url = '', MAYFLY_TASK: task, MAYFLY_TASK_TOKEN: token } = process.env
const { event_type: type, tool_name: tool, tool_input: input, tool_response: response } = await event()

try {
  if (type === 'PreToolUse') await ask()
  else if (type === 'PostToolUse') await record()
  else throw new Error(`no hook is known for ${type}`)
} catch (error) {
  // What cannot be asked is not allowed. A record that is missing blocks nothing, but is logged.
  if (type === 'PreToolUse') deny(`Mayfly could not be asked: ${error.message}`)
  else {
    process.stderr.write(`Mayfly: ${error.message}\n`)
    process.exitCode = 1
  }
}

async function event() {
  return JSON.parse(await text(process.stdin))
}

async function ask() {
  const { decision, context = {} } = await call('/access/v1/evaluation', {
    subject: { type: 'Task', id: task },
    action: { name: `tool.${tool}` },
    resource: { type: 'Tool', id: tool },
    ...(typeof input?.command === 'string' && { context: { command: input.command } }),
  })
  if (decision) return
  const { reason, remedy, denials = [] } = context
  const why = denials.flatMap(({ descriptions = {} }) => Object.values(descriptions))
  deny([[reason, ...why].join(': '), remedy].join('. '))
}

/** Never the content: a digest tells whether it was this. */
async function record() {
  const digest = createHash('sha256')
    .update(JSON.stringify(input ?? {}))
    .digest('hex')
  await call(`/v1/tasks/${task}/events`, {
    name: tool,
    digest,
    outcome: response?.is_error ? 'failed' : 'succeeded',
  })
}

async function call(path, body) {
  if (!task || !token) throw new Error('there is no task: start OpenHands with `mayfly run`')
  const answer = await fetch(url.replace(/\/+$/, '') + path, {
    method: 'POST',
    headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
    redirect: 'error',
    // Less than the hook's own timeout, after which OpenHands would go on.
    signal: AbortSignal.timeout(30_000),
  })
  const parsed = await answer.json()
  if (!answer.ok) throw new Error(`${parsed.code}: ${parsed.detail}`)
  return parsed
}

function deny(reason) {
  process.stdout.write(`${JSON.stringify({ decision: 'deny', reason })}\n`)
}
