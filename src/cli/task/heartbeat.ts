import type { Command } from 'commander'
import { addContext, connect } from '../options.ts'
import { answer } from '../print.ts'
import { type HeldOptions, heldTask, onHeldTask } from './held.ts'

interface HeartbeatOptions extends HeldOptions {
  context?: Record<string, string>
}

export function registerHeartbeat(group: Command): void {
  onHeldTask(group.command('heartbeat'))
    .summary('say that the workload of a task is still there')
    .description(
      `For whatever is not \`mayfly run\`, which does it by itself: where the agent's
file has a heartbeat, a task that is not heard for that long, and half as long
again, ends.`,
    )
    .option(
      '--context <key=value>',
      'what is so now; where the task was opened with another value, it ends. May be repeated',
      addContext,
    )
    .action(beat)
}

async function beat(id: string | undefined, options: HeartbeatOptions, command: Command): Promise<void> {
  const { context } = options
  const heard = await connect(options).heartbeat(await heldTask(id, options, command), {
    ...(context && { context }),
  })
  answer(options, heard, [`${heard.id} is ${heard.status}, until ${heard.expires_at}`])
}
