/**
 * `mayfly mcp` in the session's task, where `mayfly git-credential` and `mayfly token` of Bash find what
 * was granted. Claude Code starts its servers beside the hook that opens the task, so it is waited for.
 */
import { spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { assistant } from './assistant.mjs'
import { heldBy } from './session.mjs'

/** Less than Claude Code waits for a server. */
const until = Date.now() + 25_000

const here = assistant()
let task = here && heldBy(here)
while (here && !task && Date.now() < until) {
  await sleep(100)
  task = heldBy(here)
}
const env = { ...process.env, ...(task && { MAYFLY_TASK: task.id, MAYFLY_TASK_TOKEN: task.token }) }
const server = spawn('mayfly', ['mcp'], { stdio: 'inherit', env })
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.on(signal, () => server.kill(signal))
server.on('error', ({ message }) => process.stderr.write(`mayfly: ${message}\n`))
server.on('close', (status) => (process.exitCode = status ?? 1))
