/** One call for CI: a task of its own, opened for one credential (RFC 8693, design §10). */
import { isBrokerError } from '../base/errors.ts'
import type { Tx } from '../base/unit.ts'
import type { ResolvedDetail } from '../leases/connections.ts'
import type { MintedLease } from '../leases/mint.ts'
import { revokeNow } from '../leases/revoke-now.ts'
import type { Rules, TaskContext } from './context.ts'
import { holdOpened, issueCredential, mintHeld, requireCredential, retireRemembered } from './credential.ts'
import { endTask } from './end.ts'
import type { OpenRequest } from './asked.ts'
import { openAnd } from './open.ts'
import { type GrantedTask, readTask } from './read.ts'
import type { Task } from './task.ts'

/**
 * With what a request fails whose key may come back: what a caller can wait out,
 * its own lost connection (`unavailable`), and `conflict`, with which it makes way
 * for a later request of the same key.
 */
const resumable = ['unavailable', 'provider_unavailable', 'limit_exceeded', 'conflict'] as const

/** The opened task, and its credential unless the task waits for approval. */
export interface Exchanged {
  opened: GrantedTask
  minted: MintedLease | undefined
}

/**
 * Opens a task for one detail and mints it. Where the mint fails the task ends:
 * the caller never learns its token, so nobody else could end it.
 *
 * @throws BrokerError as `openTask` and `issueCredential`.
 */
export async function exchange(context: TaskContext, rules: Rules, request: OpenRequest): Promise<Exchanged> {
  requireCredential(request.authorizationDetails)
  const { idempotency, gone } = request
  const along = {
    async held(tx: Tx, task: Task, [resolved]: readonly ResolvedDetail[]) {
      const hold = await holdOpened(context, tx, rules, { task, idempotency }, resolved!)
      return { hold, resolved: resolved! }
    },
    // With the task token of the request before goes its credential, which may still be being minted.
    resumed: (tx: Tx, task: Task) => retireRemembered(context, tx, task, idempotency!),
  }
  const { opened, held, resumed: before } = await openAnd(context, rules, request, along)
  const { task } = opened
  if (task.status === 'pending_approval') return { opened, minted: undefined }
  const [authorizationDetail] = request.authorizationDetails
  try {
    const asked = { task, authorizationDetail, idempotency, gone }
    const resumed = before && { token: opened.token, before }
    const minted = held
      ? await mintHeld(context, asked, held.resolved, held.hold)
      : await issueCredential(context, rules, { ...asked, resumed })
    // Of a task that was resumed, the leases are no longer as they were when it was opened.
    const { leases } = opened.leases.length > 0 ? await readTask(context, task.id) : opened
    return { opened: { ...opened, leases: leases.length > 0 ? leases : [minted.lease] }, minted }
  } catch (error) {
    // The caller's token is used up: to come back it needs this task.
    if (idempotency && resumable.some((code) => isBrokerError(error, code))) throw error
    const cause = { reason: 'completed', actor: `agent:${task.agent}` } as const
    await revokeNow(context, await context.unit.write((tx) => endTask(context, tx, task, cause)))
    throw error
  }
}
