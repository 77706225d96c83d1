/** The same request asked again while it waits for approval: nobody is asked for the same yes twice. */
import { canonicalize } from '../base/canonical.ts'
import type { Principal } from '../identity/principal.ts'
import type { Tx } from '../base/unit.ts'
import type { Asked } from './asked.ts'
import type { TaskContext } from './context.ts'
import type { Requested } from './facts.ts'
import { type GrantedTask, viewOf } from './read.ts'
import { aboutTask, type ScopeItem, type Task } from './task.ts'
import { newTaskToken, waitingToken } from './token.ts'

/** Claims that two tokens for the same work differ in, and nothing else may depend on. */
const ofOneToken: readonly string[] = ['exp', 'iat', 'nbf', 'jti']

/**
 * The task that waits for exactly this, asked by exactly this workload: a token with any other
 * claim may be another run's, on another branch, and the yes would be to that one's work.
 * `groups` are those whose yes it needs by what policy says now.
 */
export async function waitingFor(
  context: TaskContext,
  tx: Tx,
  { requested, scope, place }: Pick<Asked, 'requested' | 'scope' | 'place'>,
  groups: readonly string[],
): Promise<Task | undefined> {
  const { tasks, approvals, clock } = context
  const { agent, principal, purpose, ttl, context: words, depth } = requested
  const where = { depth, parent: place?.parent.id ?? null, bounded: place?.bounded }
  const wanted = same({ principal, purpose, scope, ttl, context: words, ...where })
  for (const task of await tasks.find(tx, { agent: agent.name, statuses: ['pending_approval'] })) {
    if ('damaged' in task || task.expiresAt <= clock.now() || same(task) !== wanted) continue
    const asked = (await approvals.ofTask(tx, task.id)).map(({ group }) => group)
    if (canonicalize(asked.toSorted()) === canonicalize(groups.toSorted())) return task
  }
  return undefined
}

/** Gives the task that waits to one more who holds it: when one of them completes it, it is over for all. */
export async function join(
  context: TaskContext,
  tx: Tx,
  { principal }: Requested,
  task: Task,
): Promise<GrantedTask> {
  const { tasks, audit, clock } = context
  let { token, hash } = waitingToken(task.id)
  // Another process opened it, or it was resumed since: then there is no saying its token again.
  if ((await tasks.byTokenHash(tx, hash))?.id !== task.id) {
    ;({ token, hash } = newTaskToken())
    await tasks.replaceToken(tx, task.id, hash)
  }
  audit.record(tx, {
    at: clock.now(),
    type: 'task.joined',
    actor: `agent:${task.agent}`,
    ...aboutTask(task),
    data: { issuer: principal.iss, subject: principal.subject },
  })
  return { ...(await viewOf(context, tx, task)), token }
}

type Comparable = Pick<Task, 'principal' | 'purpose' | 'ttl' | 'context' | 'depth' | 'parent'> & {
  bounded?: Task['bounded'] | undefined
  scope: readonly ScopeItem[]
}

function same({ principal, ...rest }: Comparable): string {
  const { purpose, scope, ttl, context, depth, parent, bounded = null } = rest
  return canonicalize({ who: lasting(principal), purpose, scope, ttl, context, depth, parent, bounded })
}

function lasting({ issuer, iss, subject, claims }: Principal) {
  const kept = Object.entries(claims).filter(([name]) => !ofOneToken.includes(name))
  return { issuer, iss, subject, claims: Object.fromEntries(kept) }
}
