/**
 * Whether open tasks may go on under other rules (invariant I12). There may be very many: of those
 * that policy cannot tell apart one is decided (docs/decisions/0024).
 */
import { identityOf } from '../identity/principal.ts'
import { requestsOf, type ResolvedDetail } from '../leases/connections.ts'
import { alike, type Ask, decideInTurns, type Decision, type Facts, hangsOn } from '../policy/decide.ts'
import { type Class, classes, classesOf } from '../provider/terms.ts'
import { breathe } from '../base/turns.ts'
import type { Tx } from '../base/unit.ts'
import { grantedGroups } from './approval-digest.ts'
import type { Rules, TaskContext } from './context.ts'
import { askOf, factsOf } from './facts.ts'
import { endOfFenced, fencedTask } from './fenced.ts'
import { identityNow } from './identity.ts'
import { resolveScope } from './scope.ts'
import type { EndReason, Task } from './task.ts'

/** Kinds of tasks of which it is remembered what policy says: with too many of them nothing would be gained. */
const kindsKept = 10_000
const scopesKept = 10_000
/** Decisions between two turns of the event loop: where policy tells all tasks apart, each takes a millisecond. */
const decisionsPerTurn = 5

export interface Standing {
  /** Why the task may not go on, if it may not. */
  lapsed?: EndReason | undefined
  /** How much it could do: the place of its highest class, higher where nobody has to ask policy to know that it is to end. */
  rank: number
}

/** A scope as the rules have it: the same for all tasks with the same text. */
interface Scope {
  /** Stands for it among the others. */
  place: number
  asks: readonly Ask[]
  rank: number
}

/** What open tasks stand on under `rules`. */
export class Lapses {
  readonly #context: TaskContext
  readonly #rules: Rules
  readonly #scopes = new Map<string, Scope | undefined>()
  readonly #outcomes = new Map<string, Decision['outcome']>()
  #decided = 0

  constructor(context: TaskContext, rules: Rules) {
    this.#context = context
    this.#rules = rules
  }

  /** For one transaction in which nothing ends: what somebody holds is read once in it. */
  within(tx: Tx): (task: Task) => Promise<Standing> {
    const held = new Map<string, Class[]>()
    return (task) => this.#standingOf(tx, task, held)
  }

  async #standingOf(tx: Tx, task: Task, held: Map<string, Class[]>): Promise<Standing> {
    const identity = identityNow(this.#rules, task, this.#context.clock.now())
    if ('lapsed' in identity) return outsidePolicy(identity.lapsed)
    // What is fenced off upstream may be given back, and other upstreams asked meanwhile.
    const fenced = await fencedTask(this.#context, tx, this.#rules, task, [])
    if (fenced) return outsidePolicy(endOfFenced(fenced))
    const scope = this.#scopeOf(task)
    if (!scope) return outsidePolicy('policy_changed')
    const { policies } = this.#rules
    const facts = factsOf(
      { ...task, agent: identity.agent },
      hangsOn(policies, task.agent, 'held') ? await this.#heldBy(tx, task, held) : [],
      hangsOn(policies, task.agent, 'approvals') ? await this.#approvedFor(tx, task) : [],
    )
    const outcome = await this.#outcome(facts, scope)
    // What waits for a yes may go on waiting, and what has had it may not.
    const stands =
      outcome === 'allowed' || (outcome === 'pending_approval' && task.status === 'pending_approval')
    return { lapsed: stands ? undefined : 'policy_changed', rank: scope.rank }
  }

  async #outcome(facts: Facts, { place, asks }: Scope): Promise<Decision['outcome']> {
    const { policies } = this.#rules
    const kind = `${place} ${alike(policies, facts, asks)}`
    const known = this.#outcomes.get(kind)
    if (known) return known
    const { outcome } = await decideInTurns(policies, facts, asks)
    this.#decided += 1
    if (this.#decided % decisionsPerTurn === 0) await breathe()
    if (this.#outcomes.size >= kindsKept) this.#outcomes.clear()
    this.#outcomes.set(kind, outcome)
    return outcome
  }

  #scopeOf(task: Task): Scope | undefined {
    const text = JSON.stringify(task.scope)
    if (this.#scopes.has(text)) return this.#scopes.get(text)
    if (this.#scopes.size >= scopesKept) {
      this.#scopes.clear()
      this.#outcomes.clear()
    }
    const details = resolveScope(this.#rules, task)
    const scope = details && {
      place: this.#scopes.size,
      asks: details.map(askOf),
      rank: authorityOf(details),
    }
    this.#scopes.set(text, scope)
    return scope
  }

  async #heldBy(tx: Tx, { id, agent, owner, principal, root }: Task, known: Map<string, Class[]>) {
    const { tasks, leases } = this.#context
    const whose = { ...this.#rules.agents.shareOf(agent, owner), identity: identityOf(principal) }
    const others = (await tasks.tree(tx, root)).filter((each) => each !== id)
    if (others.length > 0) return await leases.lockHeld(tx, { ...whose, tasks: [id, ...others] })
    // What it holds itself is its agent's.
    const key = JSON.stringify(whose)
    const held = known.get(key) ?? (await leases.lockHeld(tx, { ...whose, tasks: [] }))
    known.set(key, held)
    return held
  }

  async #approvedFor(tx: Tx, task: Task): Promise<string[]> {
    const { approvals, seal } = this.#context
    const asked = await approvals.ofTask(tx, task.id)
    return asked.length > 0 ? grantedGroups(seal, task, asked) : []
  }
}

function outsidePolicy(lapsed: EndReason): Standing {
  return { lapsed, rank: classes.length }
}

/** The place of the highest class of what may be minted. */
function authorityOf(details: readonly ResolvedDetail[]): number {
  const all = details.flatMap((detail) => classesOf(requestsOf(detail)))
  return Math.max(-1, ...all.map((each) => classes.indexOf(each)))
}
