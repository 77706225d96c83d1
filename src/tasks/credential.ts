/** A credential inside an open task: decided afresh, then minted (docs/decisions/0006). */
import { BrokerError, type ErrorCode, isBrokerError } from '../base/errors.ts'
import { identityOf } from '../identity/principal.ts'
import type { ResolvedDetail } from '../leases/connections.ts'
import { intend, type LeaseHolder } from '../leases/intend.ts'
import { type Lease, mayStillWork, type StoredLease } from '../leases/lease.ts'
import { mint, type MintedLease } from '../leases/mint.ts'
import { retire } from '../leases/retire.ts'
import { revokeNow } from '../leases/revoke-now.ts'
import { tools } from '../provider/tools.ts'
import { sha256 } from '../base/sha256.ts'
import type { Tx } from '../base/unit.ts'
import { decideAfresh } from './afresh.ts'
import { changedField, contextChanged } from './bound-context.ts'
import type { Rules, TaskContext } from './context.ts'
import { policyDenied, reasonOf, recordDenial } from './denial.ts'
import { endTask } from './end.ts'
import { fencedTask } from './fenced.ts'
import { requireThere } from './gone.ts'
import { type IdempotencyKey, recall, rememberedForMs } from './idempotency.ts'
import { identityNow } from './identity.ts'
import { leaseRefusal } from './limits.ts'
import { actOf, boundsRefusal, covering, standingAbove } from './lineage.ts'
import type { EndReason, StoredTask, Task } from './task.ts'
import { waitingRefusal } from './waiting.ts'

export interface CredentialRequest {
  task: StoredTask
  /** One RFC 9396 detail, as written: equal to or narrower than exactly one of the task's. */
  authorizationDetail: unknown
  /** The caller's own words: those given when the task was opened must still hold. */
  context?: Record<string, string> | undefined
  idempotency?: IdempotencyKey | undefined
  /** Where the request has resumed the task: the task token that it got, and what it has retired of the request before. */
  resumed?: { token: string; before: StoredLease[] } | undefined
  /** Aborts when the client has gone away. */
  gone?: AbortSignal | undefined
}

/**
 * Mints one credential under the task.
 *
 * @throws BrokerError `invalid_request`, `out_of_scope`, `task_not_active`, `conflict`,
 *   `context_changed`, `policy_denied`, `limit_exceeded`, `agent_suspended`, `fenced`,
 *   `agent_expired`, `unknown_agent`, and whatever `mint` throws.
 */
export async function issueCredential(
  context: TaskContext,
  rules: Rules,
  request: CredentialRequest,
): Promise<MintedLease> {
  requireCredential([request.authorizationDetail])
  const resolved = rules.connections.resolve(request.authorizationDetail, 'authorization_detail')
  const { task, idempotency } = request
  if (idempotency) await replace(context, request, idempotency)
  const about = { task: task.id, to: 'mint', ...(!('damaged' in task) && { root: task.root }) } as const
  const held = context.unit.write((tx) => hold(context, tx, rules, request, resolved), about)
  return await mintHeld(context, request, resolved, held)
}

/** @throws BrokerError `invalid_request` for what nothing is minted for. */
export function requireCredential(details: readonly unknown[]): void {
  const isTool = (detail: unknown) =>
    typeof detail === 'object' && detail !== null && 'type' in detail && detail.type === tools.type
  if (!details.some(isTool)) return
  throw new BrokerError(
    'invalid_request',
    'there is no credential for a tool: whether it may be called is asked of /access/v1/evaluation',
    { parameter: 'authorization_details' },
  )
}

/** The lease that is on record for it, or why there is none. */
export type Hold = { lease: Lease } | { refused: BrokerError }

/** Mints what was admitted and intended. @throws BrokerError as `issueCredential`. */
export async function mintHeld(
  context: TaskContext,
  { task, idempotency, gone }: Pick<CredentialRequest, 'task' | 'idempotency' | 'gone'>,
  { entry }: ResolvedDetail,
  held: Hold | Promise<Hold>,
): Promise<MintedLease> {
  try {
    const outcome = await held
    if ('refused' in outcome) throw outcome.refused
    return await mint(context, context.revoker, { lease: outcome.lease, entry, gone })
  } catch (error) {
    throw await takenBackAlone(context, task, error)
  } finally {
    // What another request with this key minted meanwhile is due.
    if (idempotency) context.wake(context.clock.now())
  }
}

/** A lease under way may have been given back, revoked or asked for again (`remember`) while its task goes on. */
async function takenBackAlone(context: TaskContext, { id }: StoredTask, error: unknown): Promise<unknown> {
  if (!isBrokerError(error, 'task_not_active')) return error
  const task = await context.unit.find((tx) => context.tasks.get(tx, id))
  const goesOn = task?.status === 'active' && !('damaged' in task) && context.clock.now() < task.expiresAt
  if (!goesOn) return error
  return new BrokerError('conflict', 'the credential was taken back while it was being minted', {
    cause: error,
  })
}

/**
 * A credential minted under this key before was never seen by who asks again: it goes first.
 *
 * @throws BrokerError `provider_unavailable` where upstream does not end it now, as it could.
 */
async function replace(
  context: TaskContext,
  { task, resumed, gone }: CredentialRequest,
  key: IdempotencyKey,
): Promise<void> {
  const retireBefore = async (tx: Tx) => {
    requireThere(gone)
    return await retireRemembered(context, tx, task, key)
  }
  const before = resumed?.before ?? (await context.unit.write(retireBefore))
  await revokeNow(context, before)
  const [lease] = before
  const now = lease && (await context.unit.find((tx) => context.leases.get(tx, lease.id)))
  if (now && mayStillWork(now))
    throw new BrokerError(
      'provider_unavailable',
      'the credential minted under this Idempotency-Key before is not known to be dead yet',
      { retryAfter: 5 },
    )
}

/** Retires what was minted last under the key. What it returns has to be dead before anything else is minted under it. */
export async function retireRemembered(
  context: TaskContext,
  tx: Tx,
  task: StoredTask,
  key: IdempotencyKey,
): Promise<StoredLease[]> {
  const cause = { reason: 'asked for again', actor: `agent:${task.agent}` } as const
  const remembered = await recall(context.idempotency, tx, key)
  return remembered?.lease ? await retire(context, tx, { id: remembered.lease, task: task.id }, cause) : []
}

/** Of two requests at once with one key, the later one's credential stays. */
async function remember(
  context: TaskContext,
  tx: Tx,
  task: StoredTask,
  key: IdempotencyKey,
  lease: string,
): Promise<void> {
  await retireRemembered(context, tx, task, key)
  await context.idempotency.put(tx, { ...key, task: task.id, lease, until: task.expiresAt + rememberedForMs })
}

/**
 * A credential that another request with this key got after this one had looked for what it has to
 * replace, as where this process stood still in between. It stays: came this one again, it would take away what
 * the other holds. What is on its way out already was given to nobody.
 */
async function overtaken(
  { idempotency, leases }: TaskContext,
  tx: Tx,
  key: IdempotencyKey,
): Promise<BrokerError | undefined> {
  const remembered = await recall(idempotency, tx, key)
  const lease = remembered?.lease == null ? undefined : await leases.get(tx, remembered.lease)
  if (lease?.status !== 'active') return undefined
  return new BrokerError(
    'conflict',
    'another request with this Idempotency-Key has got its credential meanwhile',
  )
}

/** @throws BrokerError `conflict` where another request has resumed the task since: that one goes on, for only its task token is good. */
async function requireLast(
  { tasks }: TaskContext,
  tx: Tx,
  { task, resumed }: CredentialRequest,
): Promise<void> {
  if (!resumed || (await tasks.byTokenHash(tx, sha256(resumed.token)))?.id === task.id) return
  throw new BrokerError('conflict', 'another request with this Idempotency-Key came later, and goes on')
}

/** Decides, and puts the lease on record, in one transaction. A refusal is thrown once what is recorded of it is durable. */
async function hold(
  context: TaskContext,
  tx: Tx,
  rules: Rules,
  request: CredentialRequest,
  resolved: ResolvedDetail,
): Promise<Hold> {
  requireThere(request.gone)
  await requireLast(context, tx, request)
  const admission = await admit(context, tx, rules, request, resolved)
  if ('refused' in admission) return admission
  return await intendFor(context, tx, request, resolved, admission.holder)
}

/**
 * The same for a task that was opened for just this in the same transaction. What the opening
 * has found out holds: who asks, what fences there are, what policy says of what is held.
 */
export async function holdOpened(
  context: TaskContext,
  tx: Tx,
  rules: Rules,
  request: { task: Task; idempotency?: IdempotencyKey | undefined },
  resolved: ResolvedDetail,
): Promise<Hold> {
  const { task } = request
  const refused = scopeRefusal(task, resolved) ?? (await leaseRefusal(context, tx, rules, task, resolved))
  if (!refused) return await intendFor(context, tx, request, resolved, holderOf(rules, task))
  recordDenied(context, tx, task, resolved, refused)
  return { refused }
}

async function intendFor(
  context: TaskContext,
  tx: Tx,
  { task, idempotency }: Pick<CredentialRequest, 'task' | 'idempotency'>,
  resolved: ResolvedDetail,
  holder: LeaseHolder,
): Promise<Hold> {
  const refused = idempotency && (await overtaken(context, tx, idempotency))
  if (refused) return { refused }
  const intended = await intend(context, tx, { resolved, holder })
  if ('refused' in intended) recordDenied(context, tx, task, resolved, intended.refused)
  if ('lease' in intended && idempotency) await remember(context, tx, task, idempotency, intended.lease.id)
  return intended
}

function recordDenied(
  context: TaskContext,
  tx: Tx,
  { id, agent, owner }: StoredTask,
  { asked }: ResolvedDetail,
  refused: BrokerError,
): void {
  recordDenial(
    context,
    tx,
    { agent: { name: agent, owner }, task: id },
    { detail: asked, ...reasonOf(refused) },
  )
}

/** What lies within a task may have no more than that could have now: only the opening of the task itself asks for a yes. */
function wayToAsk({ bounded, parent }: Task): string {
  if (bounded === undefined)
    return 'ask for it in a child of the task: `mayfly task open` in it, or POST /v1/tasks with its token'
  const again = bounded === 'delegated' ? 'delegates it' : 'opens a child for it'
  return `it is asked for where ${parent} ${again} anew`
}

type Admission = { holder: LeaseHolder } | { refused: BrokerError }

/** The last check before a credential exists. */
async function admit(
  context: TaskContext,
  tx: Tx,
  rules: Rules,
  request: CredentialRequest,
  resolved: ResolvedDetail,
): Promise<Admission> {
  const now = context.clock.now()
  const task = await context.tasks.get(tx, request.task.id)
  if (!task) return refuse('task_not_active', 'the task is over')
  const denied = (refused: BrokerError) => {
    recordDenied(context, tx, task, resolved, refused)
    return { refused }
  }
  if (task.status === 'pending_approval') return { refused: await waitingRefusal(context, tx, task) }
  // Whoever goes on with a task that is over may be somebody who was left its token.
  if (task.status !== 'active' || task.expiresAt <= now)
    return denied(new BrokerError('task_not_active', 'the task is over'))
  if ('damaged' in task) {
    context.log.error({ task: task.id, damage: task.damaged }, 'a task row is damaged, and gets nothing')
    return refuse('task_not_active', 'the task is not as it was opened')
  }
  const fenced = await fencedTask(context, tx, rules, task, [resolved])
  if (fenced) return denied(fenced)
  const identity = identityNow(rules, task, now)
  if ('lapsed' in identity) {
    await endNow(context, tx, task, identity.lapsed)
    return { refused: identity.refusal }
  }
  const standing = await standingAbove(context, tx, rules, task, [resolved])
  if ('refused' in standing) return denied(standing.refused)
  const { above } = standing
  const changed = changedField(task, request.context ?? {})
  if (changed !== undefined) {
    await endNow(context, tx, task, 'context_changed')
    return { refused: contextChanged(changed) }
  }
  const outside = scopeRefusal(task, resolved)
  if (outside) return denied(outside)
  const crowded = await leaseRefusal(context, tx, rules, task, resolved)
  if (crowded) return denied(crowded)

  const { decision, refusals } = await decideAfresh(context, tx, rules, task, {
    agent: identity.agent,
    details: [resolved],
    claims: { ...request.context, ...task.context },
  })
  if (decision.outcome === 'denied') return denied(policyDenied(decision.denials))
  // What else the agent holds by now may call for a yes that nobody was asked for when the task was opened.
  if (decision.outcome === 'pending_approval')
    return denied(
      policyDenied(
        await refusals(),
        `this needs a yes of ${decision.approvals.join(' and ')} that the task does not have; ${wayToAsk(task)}`,
      ),
    )
  const beyond = await boundsRefusal(context, tx, rules, { bounded: task.bounded, above }, [resolved])
  if (beyond) return denied(beyond)
  const act = actOf(
    task,
    above.map((each) => each.task),
  )
  return { holder: { ...holderOf(rules, task), ...(act && { act }) } }
}

function holderOf({ agents }: Rules, { id, agent, owner, principal, expiresAt }: Task): LeaseHolder {
  const { issuer } = principal
  const share = agents.shareOf(agent, owner)
  return { task: id, agent, owner, share, issuer, identity: identityOf(principal), deadline: expiresAt }
}

function refuse(code: ErrorCode, message: string): Admission {
  return { refused: new BrokerError(code, message) }
}

/** The leases are due at once; the reaper revokes them after the commit. */
async function endNow(context: TaskContext, tx: Tx, task: Task, reason: EndReason): Promise<void> {
  await endTask(context, tx, task, { reason, actor: 'broker' })
  context.wake(context.clock.now())
}

/** Authority only shrinks (invariant I8): what is minted lies within exactly one of the task's details. */
export function scopeRefusal(task: Task, resolved: ResolvedDetail): BrokerError | undefined {
  const within = covering(task.scope, resolved)
  if (within.length === 1) return undefined
  return new BrokerError(
    'out_of_scope',
    within.length === 0
      ? "this is not within the task's authorization_details"
      : "this is within several of the task's authorization_details; ask for what only one of them allows",
  )
}
