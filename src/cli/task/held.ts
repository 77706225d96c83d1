import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import type { TaskAccess } from '../../client/client.ts'
import { taskFromEnvironment } from '../../client/task-environment.ts'
import { type BrokerOptions, withBroker } from '../options.ts'

export interface HeldOptions extends BrokerOptions {
  taskTokenFile?: string
}

/** A command on a task that is already open: `[id]`, `--task-token-file`. */
export function onHeldTask(command: Command): Command {
  return withBroker(command)
    .argument('[id]', 'the task (env: MAYFLY_TASK)')
    .option(
      '--task-token-file <file>',
      'a file that holds its token (env, the token itself: MAYFLY_TASK_TOKEN)',
    )
}

/** The task that was named, or that this runs in. The token is never an argument: every process on the machine can read those. */
export async function heldTask(
  id: string | undefined,
  { taskTokenFile }: HeldOptions,
  command: Command,
): Promise<TaskAccess> {
  const { MAYFLY_TASK, MAYFLY_TASK_TOKEN } = process.env
  const token =
    taskTokenFile === undefined ? MAYFLY_TASK_TOKEN : (await readFile(taskTokenFile, 'utf8')).trim()
  const task = taskFromEnvironment({ MAYFLY_TASK: id ?? MAYFLY_TASK, MAYFLY_TASK_TOKEN: token })
  if (task) return task
  return command.error(
    'error: no task is named: set MAYFLY_TASK and MAYFLY_TASK_TOKEN, as `mayfly task open --env` prints them',
  )
}
