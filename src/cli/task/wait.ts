import type { Command } from 'commander'
import { untilDecided } from '../../client/approval.ts'
import { awaiting, taskLines } from '../describe.ts'
import { Failure, tell } from '../failure.ts'
import { connect, seconds } from '../options.ts'
import { answer } from '../print.ts'
import { type HeldOptions, heldTask, onHeldTask } from './held.ts'

interface WaitOptions extends HeldOptions {
  timeout?: number
}

export function registerWait(group: Command): void {
  onHeldTask(group.command('wait'))
    .summary('wait until a task is approved, denied or over')
    .description(
      `Waits while the task is pending_approval, says on standard error who decides and
where, and shows it once somebody has decided, or nobody has in time. A task
that waits for nobody is shown at once.

The exit status is 0 when the task is active, and 1 when it is not.`,
    )
    .option('--timeout <seconds>', 'give up after so long; the task goes on waiting', seconds)
    .action(wait)
}

async function wait(id: string | undefined, options: WaitOptions, command: Command): Promise<void> {
  const client = connect(options)
  const access = await heldTask(id, options, command)
  const { timeout } = options
  const signal = timeout === undefined ? new AbortController().signal : AbortSignal.timeout(timeout * 1000)
  const now = await client.showTask(access)
  // With --json what is said is one object: the task, or why it is not shown.
  if (now.status === 'pending_approval' && !options.json) tell(awaiting(now, false))
  const task = await untilDecided(client, access, now, signal).catch((error: unknown) => {
    if (!signal.aborted) throw error
    throw new Failure(
      'awaits_approval',
      `${now.id} still waits for the approval of ${groupsOf(now)}`,
      `Wait again, until ${now.expires_at} at the latest, or have it decided.`,
      { facts: { approvals: now.approvals } },
    )
  })
  answer(options, task, taskLines(task))
  if (task.status !== 'active') process.exitCode = 1
}

function groupsOf({ approvals }: { approvals: readonly { group: string; status: string }[] }): string {
  return approvals.flatMap(({ group, status }) => (status === 'pending' ? [group] : [])).join(' and ')
}
