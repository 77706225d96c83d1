/** A request sent again under its `Idempotency-Key`: it goes on with the task that the first one opened. */
import { BrokerError } from '../base/errors.ts'
import type { Tx } from '../base/unit.ts'
import type { TaskContext } from './context.ts'
import type { Requested } from './facts.ts'
import { type IdempotencyKey, recall } from './idempotency.ts'
import { type GrantedTask, viewOf } from './read.ts'
import { aboutTask } from './task.ts'
import { newTaskToken } from './token.ts'

/** Undefined where nothing was opened under the key. @throws BrokerError `conflict`, `unavailable` */
export async function resume(
  context: TaskContext,
  tx: Tx,
  { principal }: Requested,
  key: IdempotencyKey,
): Promise<GrantedTask | undefined> {
  const { tasks, idempotency, audit, clock, log } = context
  const remembered = await recall(idempotency, tx, key)
  const task = remembered && (await tasks.get(tx, remembered.task))
  if (!task) return undefined
  if ('damaged' in task) {
    log.error({ task: task.id, damage: task.damaged }, 'a task row is damaged, and is not resumed')
    throw new BrokerError('unavailable', 'the task of this Idempotency-Key is not as it was opened')
  }
  const { token, hash } = newTaskToken()
  await tasks.replaceToken(tx, task.id, hash)
  audit.record(tx, {
    at: clock.now(),
    type: 'task.resumed',
    actor: `agent:${task.agent}`,
    ...aboutTask(task),
    data: { issuer: principal.iss, subject: principal.subject },
  })
  return { ...(await viewOf(context, tx, task)), token }
}
