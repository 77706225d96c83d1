/** Opening a task: who asks, for what, and whether policy allows it. */
import { reviewRefusal } from '../agents/review-date.ts'
import { type Approaching, fenceRefusal } from '../agents/fence.ts'
import { BrokerError, isBrokerError } from '../base/errors.ts'
import { identityOf } from '../identity/principal.ts'
import { useUp } from '../identity/single-use.ts'
import type { ResolvedDetail } from '../leases/connections.ts'
import { askers } from '../policy/askers.ts'
import { decideInTurns, type Decision } from '../policy/decide.ts'
import type { Tx } from '../base/unit.ts'
import { type Asked, type OpenRequest, prepare } from './asked.ts'
import type { Rules, TaskContext } from './context.ts'
import { delegationRefusal } from './delegate.ts'
import { policyDenied, reasonOf, recordDenial, recordReplay } from './denial.ts'
import { askOf, factsOf } from './facts.ts'
import { connectionsOf, reopenRefusal } from './fenced.ts'
import { rememberedForMs } from './idempotency.ts'
import { type Decided, insert } from './insert.ts'
import { join, waitingFor } from './join.ts'
import { openRefusal } from './limits.ts'
import type { Ancestor } from './lineage.ts'
import { placeRefusal, treeRefusal } from './place.ts'
import type { GrantedTask } from './read.ts'
import { requireThere } from './gone.ts'
import { resume } from './resume.ts'
import type { Task } from './task.ts'

/** What would come of a request, without anything kept. */
export interface DryRun {
  agent: string
  owner: string
  ttl: number
  resolved: ResolvedDetail[]
  decision: Decision
}

/**
 * Opens a task: `active`, or `pending_approval` where policy asks for a human's
 * yes. The same token, key and request again give the same task and a fresh task
 * token, the one before being good for nothing from then on. A request that waits
 * already, asked again with another token of the same workload, gives the task that
 * waits, whose token stays the same.
 *
 * @throws BrokerError `unknown_agent`, `agent_suspended`, `fenced`, `agent_expired`,
 *   `invalid_request`, `policy_denied`, `limit_exceeded`, `token_replayed`, `conflict`; `unavailable`
 *   when the store fails. A refusal does not use the token up.
 */
export async function openTask(
  context: TaskContext,
  rules: Rules,
  request: OpenRequest,
): Promise<GrantedTask> {
  const nothing = async () => undefined
  return (await openAnd(context, rules, request, { held: nothing, resumed: nothing })).opened
}

/** What is done along with the opening of a task that is active, `held`, or with its being resumed. */
interface Along<Held, Resumed> {
  held: (tx: Tx, task: Task, resolved: readonly ResolvedDetail[]) => Promise<Held>
  resumed: (tx: Tx, task: Task) => Promise<Resumed>
}

/**
 * The same, and what `along` says in the same transaction: what was decided of a new task then holds still
 * (docs/decisions/0039), and whoever resumes one last is last in that as well. What was not done is absent from
 * the answer.
 */
export async function openAnd<Held, Resumed>(
  context: TaskContext,
  rules: Rules,
  request: OpenRequest,
  along: Along<Held, Resumed>,
): Promise<{ opened: GrantedTask; held?: Held; resumed?: Resumed }> {
  const asked = await prepare(context, rules, request)
  const work = async (tx: Tx) => {
    const granting = await grant(context, tx, rules, asked, request)
    if ('refused' in granting) return granting
    const { opened, isNew } = granting
    const { task } = opened
    if ('damaged' in task || task.status !== 'active') return { opened }
    if (!isNew) return { opened, resumed: await along.resumed(tx, task) }
    return { opened, held: await along.held(tx, task, asked.resolved) }
  }
  const outcome = await context.unit.write(
    work,
    'verified' in request ? { replayKey: request.verified.replayKey } : {},
  )
  if ('refused' in outcome) throw outcome.refused
  context.wake(outcome.opened.task.expiresAt)
  return outcome
}

type Refusal = { refused: BrokerError }
type Granting = { opened: GrantedTask; isNew: boolean } | Refusal

/** A refusal is thrown once what is recorded of it is durable. */
async function grant(
  context: TaskContext,
  tx: Tx,
  rules: Rules,
  asked: Asked,
  request: OpenRequest,
): Promise<Granting> {
  const { idempotency, cannotWait, gone } = request
  const { requested } = asked
  requireThere(gone)
  const refuse = (refused: BrokerError) => {
    recordRefusal(context, tx, asked, refused)
    return { refused }
  }
  const standing = await standingOf(context, tx, rules, asked)
  if ('refused' in standing) return refuse(standing.refused)
  const resumed = idempotency && (await resume(context, tx, requested, idempotency))
  if (resumed) return { opened: resumed, isNew: false }
  const spent = asked.delegation && (await delegationRefusal(context, tx, asked.delegation))
  if (spent) return refuse(spent)
  const decision = await decideIn(context, tx, rules, asked)
  if ('refused' in decision) return refuse(decision.refused)
  if (decision.outcome === 'denied') return refuse(policyDenied(decision.denials))
  const pending = decision.outcome === 'pending_approval'
  if (decision.outcome === 'pending_approval' && cannotWait)
    return refuse(
      new BrokerError(
        'policy_denied',
        `this waits for the yes of ${decision.approvals.join(', ')}, and such a client cannot: ask for it with \`mayfly run\``,
      ),
    )
  const waiting = pending ? await waitingFor(context, tx, asked, decision.approvals) : undefined
  const crowded = !waiting && (await crowdRefusal(context, tx, rules, asked, pending))
  if (crowded) return refuse(crowded)
  try {
    if ('verified' in request) await useUp(tx, context.usedTokens, request.verified)
  } catch (error) {
    if (!isBrokerError(error, 'token_replayed')) throw error
    recordReplay(context, tx, asked)
    return { refused: error }
  }
  const opened = waiting
    ? await join(context, tx, requested, waiting)
    : await insert(context, tx, rules, { ...asked, ...standing }, decision)
  if (asked.delegation) await context.delegations.use(tx, asked.delegation.hash, opened.task.id)
  if (idempotency) {
    const until = opened.task.expiresAt + requested.ttl * 1000 + rememberedForMs
    await context.idempotency.put(tx, { ...idempotency, task: opened.task.id, lease: null, until })
  }
  return { opened, isNew: !waiting }
}

/** Decides without keeping anything but a refusal; the token stays good. @throws BrokerError as `openTask`, a denial excepted. */
export async function dryRun(context: TaskContext, rules: Rules, request: OpenRequest): Promise<DryRun> {
  const { unit } = context
  const asked = await prepare(context, rules, request)
  const outcome = await unit.read(async (tx): Promise<Decision | Refusal> => {
    const standing = await standingOf(context, tx, rules, asked)
    if ('refused' in standing) return standing
    const spent = asked.delegation && (await delegationRefusal(context, tx, asked.delegation))
    return spent ? { refused: spent } : await decideIn(context, tx, rules, asked)
  })
  const denied = 'outcome' in outcome && outcome.outcome === 'denied' && policyDenied(outcome.denials)
  const refused = 'refused' in outcome ? outcome.refused : denied
  // Whoever tries what they may not is on record as if they had meant it.
  if (refused) await unit.write(async (tx) => recordRefusal(context, tx, asked, refused, { dry_run: true }))
  if ('refused' in outcome) throw outcome.refused
  const { agent, ttl } = asked.requested
  return { agent: agent.name, owner: agent.owner, ttl, resolved: asked.resolved, decision: outcome }
}

function recordRefusal(
  context: TaskContext,
  tx: Tx,
  { requested, scope, session }: Asked,
  refused: BrokerError,
  more: { dry_run?: true } = {},
): void {
  recordDenial(context, tx, requested, {
    ...(session && { session }),
    purpose: requested.purpose,
    scope: scope.map(({ detail }) => detail),
    ...reasonOf(refused),
    ...more,
  })
}

/**
 * The tasks that it will hang off, the parent first; or why it may not be opened whatever policy says
 * of it: overdue for review, kept out by a fence, or by those above.
 */
async function standingOf(
  context: TaskContext,
  tx: Tx,
  rules: Rules,
  asked: Asked,
): Promise<{ above: Ancestor[] } | Refusal> {
  const outside =
    reviewRefusal(asked.requested.agent, context.clock.now()) ??
    (await fenceRefusal(context, tx, approaching(asked)))
  if (outside) return { refused: outside }
  if (!asked.place) return { above: [] }
  return await placeRefusal(context, tx, rules, asked.place, asked.resolved)
}

async function crowdRefusal(
  context: TaskContext,
  tx: Tx,
  rules: Rules,
  { requested, place }: Asked,
  pending: boolean,
): Promise<BrokerError | undefined> {
  const share = rules.agents.shareOf(requested.agent.name, requested.agent.owner)
  return (
    (await openRefusal(context, tx, rules, share, pending)) ??
    (place && (await treeRefusal(context, tx, place)))
  )
}

function approaching({ requested: { principal, agent }, resolved }: Asked): Approaching {
  return { principal, agent: agent.name, owners: [agent.owner], connections: connectionsOf(resolved) }
}

async function decideIn(
  context: TaskContext,
  tx: Tx,
  rules: Rules,
  { requested, resolved, session, place }: Asked,
): Promise<Decided | Refusal> {
  // What is opened in a task is a part of it, and not another one of its session. What was delegated is, to the other session.
  const comes = !place || place.bounded === 'delegated'
  const over = comes && (await reopenRefusal(context, tx, rules, requested.agent, session))
  if (over) return { refused: over }
  const held = await context.leases.lockHeld(tx, {
    ...rules.agents.shareOf(requested.agent.name, requested.agent.owner),
    identity: identityOf(requested.principal),
    tasks: place ? await context.tasks.tree(tx, place.parent.root) : [],
  })
  const [facts, asks] = [factsOf(requested, held), resolved.map(askOf)]
  const decision = await decideInTurns(rules.policies, facts, asks)
  if (decision.outcome !== 'pending_approval') return decision
  return { ...decision, asking: await askers(rules.policies, facts, asks) }
}
