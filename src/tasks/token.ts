/** The task token: what a workload holds in place of its identity once its task is open. */
import { createHmac } from 'node:crypto'
import { BrokerError } from '../base/errors.ts'
import { pooledRandomBytes } from '../base/random.ts'
import { sha256 } from '../base/sha256.ts'
import type { TaskContext } from './context.ts'
import { openStatuses, type StoredTask } from './task.ts'

/** Milliseconds for which an ended task can still be read with its token. */
const readableAfterEndMs = 3_600_000

const shape = /^mft_[A-Za-z0-9_-]{43}$/

export interface TaskToken {
  token: string
  /** All that is stored of it. */
  hash: string
}

/** 256 random bits. */
export function newTaskToken(): TaskToken {
  return taskToken(pooledRandomBytes(32))
}

const waiting = pooledRandomBytes(32)

/**
 * The token of a task that waits for approval: the same whenever this process is asked, so
 * that who joins the wait gets what those who wait already hold, and none of them loses it.
 */
export function waitingToken(task: string): TaskToken {
  return taskToken(createHmac('sha256', waiting).update(task).digest())
}

function taskToken(bits: Buffer): TaskToken {
  const token = `mft_${bits.toString('base64url')}`
  return { token, hash: sha256(token) }
}

/** Whether it has the form of a task token, and so is no identity token. */
export function isTaskToken(token: string): boolean {
  return shape.test(token)
}

/**
 * The task that `token` is for; with `id` that one alone. Another task's id is refused like
 * one that does not exist.
 *
 * @throws BrokerError `invalid_token`, `not_found`
 */
export async function authenticate(context: TaskContext, token: string, id?: string): Promise<StoredTask> {
  const task = isTaskToken(token)
    ? await context.unit.find((tx) => context.tasks.byTokenHash(tx, sha256(token)))
    : undefined
  if (!task) throw new BrokerError('invalid_token', 'this is not a task token of this broker')
  const readable =
    task.endedAt === null || context.clock.now() < task.endedAt + readableAfterEndMs || isOpen(task)
  if ((id !== undefined && task.id !== id) || !readable)
    throw new BrokerError('not_found', 'there is no such task')
  return task
}

function isOpen(task: StoredTask): boolean {
  return (openStatuses as readonly string[]).includes(task.status)
}
