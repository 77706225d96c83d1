/** The task token: what a workload holds in place of its identity once its task is open. */
import { randomBytes } from 'node:crypto'
import { BrokerError } from '../errors.ts'
import { sha256 } from '../sha256.ts'
import type { TaskContext } from './context.ts'
import { openStatuses, type Task } from './task.ts'

/** Milliseconds for which an ended task can still be read with its token. */
const readableAfterEndMs = 3_600_000

const shape = /^mft_[A-Za-z0-9_-]{43}$/

/** 256 random bits. Only its hash is stored. */
export function newTaskToken(): { token: string; hash: string } {
  const token = `mft_${randomBytes(32).toString('base64url')}`
  return { token, hash: sha256(token) }
}

/**
 * The task that `token` is for. Another task's id is refused like one that does
 * not exist.
 *
 * @throws BrokerError `invalid_token`, `not_found`
 */
export async function authenticate(context: TaskContext, token: string, id: string): Promise<Task> {
  const task = shape.test(token)
    ? await context.unit.read((tx) => context.tasks.byTokenHash(tx, sha256(token)))
    : undefined
  if (!task) throw new BrokerError('invalid_token', 'this is not a task token of this broker')
  const readable =
    task.endedAt === null || context.clock.now() < task.endedAt + readableAfterEndMs || isOpen(task)
  if (task.id !== id || !readable) throw new BrokerError('not_found', 'there is no such task')
  return task
}

function isOpen(task: Task): boolean {
  return (openStatuses as readonly string[]).includes(task.status)
}
