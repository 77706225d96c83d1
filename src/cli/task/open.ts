import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import type { OpenedTask } from '../../client/client.ts'
import { taskLines } from '../describe.ts'
import { Failure, tell } from '../failure.ts'
import { newTask, type NewTaskOptions, withNewTask } from '../new-task.ts'
import {
  connect,
  identityHelp,
  openingToken,
  withBroker,
  withIdentity,
  workloadIdentity,
} from '../options.ts'
import { answer } from '../print.ts'
import { scopeHelp } from '../scope.ts'

interface OpenOptions extends NewTaskOptions {
  env?: boolean
  delegationFile?: string
}

export function registerOpen(group: Command): void {
  withNewTask(withIdentity(withBroker(group.command('open'))))
    .summary('open a task')
    .description(
      `Opens a task and prints what it is, and last a line for a shell that puts it
into the environment, its token with it: without that nobody could act in the
task. With --env that line is all that is printed, with --json the token is
"task_token".

Inside a task (MAYFLY_TASK and MAYFLY_TASK_TOKEN) it is a child of that one and
ends with it. Without --agent it is decided as if it were opened anew, and may
have more than that one; for another agent it lies within it. With --token-file
or --delegation-file it is opened with the identity of this workload.`,
    )
    .option('--delegation-file <file>', 'a file that holds what `mayfly task delegate` has printed')
    .option('--env', 'print nothing but the line for a shell')
    .addHelpText(
      'after',
      `${scopeHelp}
${identityHelp}

Example:
  eval "$(mayfly task open --purpose 'bump a dependency' --scope github:acme/web:contents=write --env)"
  GH_TOKEN=$(mayfly token --scope github:acme/web:contents=read) gh api repos/acme/web
  mayfly task complete`,
    )
    .action(open)
}

async function open(options: OpenOptions): Promise<void> {
  const { delegationFile } = options
  const token = await (delegationFile === undefined ? openingToken(options) : workloadIdentity(options))
  const delegation = delegationFile && (await readFile(delegationFile, 'utf8')).trim()
  const task = await connect(options).openTask(token, { ...newTask(options), delegation })
  if (options.env && !options.json) {
    answer(options, task, [environment(task)])
    // Beside the line that the shell evaluates.
    if (task.status !== 'active') tell(taskLines(task))
  } else answer(options, task, [...taskLines(task), '', environment(task)])
}

/** A line that a shell can evaluate, whatever the broker answers. */
function environment({ id, task_token: token }: OpenedTask): string {
  if (!/^\w+$/.test(id) || !/^[\w-]+$/.test(token))
    throw new Failure(
      'failed',
      'the answer is not fit to be evaluated by a shell',
      'Check --url (MAYFLY_URL).',
    )
  return `export MAYFLY_TASK=${id} MAYFLY_TASK_TOKEN=${token}`
}
