/**
 * Tells the broker that the session is there while nobody asks anything. It is started by the hook
 * of the session's start, apart from it, and lives no longer than Claude Code, the session and its
 * task: with the arguments SESSION, BEAT (the session's file names the last that was started), the
 * seconds of the heartbeat, and the directory of the session.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { lives } from './assistant.mjs'
import { beat, held, Refused } from './session.mjs'

const [session, id, seconds, cwd] = process.argv.slice(2)
// Twice in each heartbeat, so that one may be lost.
const pause = Number(seconds) * 500

let due = Date.now() + pause
for (;;) {
  await sleep(Math.min(pause, 1000))
  const task = held(session)
  if (task?.beat !== id || !lives(task.assistant)) break
  if (Date.now() < due) continue
  due = Date.now() + pause
  try {
    await beat(task, cwd)
  } catch (error) {
    // What is over needs none; what is only out of reach may be there for the next.
    if (error instanceof Refused && error.status < 500 && error.status !== 429) break
  }
}
