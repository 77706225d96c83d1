/**
 * Which open tasks have most likely lapsed, for their end to come before thousands of others are looked
 * at (docs/decisions/0066). It goes by what rows say, whoever wrote them, and by one task for all that
 * seem to be of its kind; what they hold, what was approved and what time it is may tell these apart. So nothing is
 * decided by it: whatever it names is decided by itself as it ends, and all that it leaves out is looked at after it.
 */
import { claimAt } from '../identity/claims.ts'
import type { Principal } from '../identity/principal.ts'
import { hangsOn } from '../policy/decide.ts'
import type { Tx } from '../base/unit.ts'
import type { Rules, TaskContext } from './context.ts'
import type { Lapses, Standing } from './lapse.ts'
import type { OpenRow } from './task.ts'

/** Kinds of which it is remembered what was decided of one of them: where there are more, guessing costs more than looking. */
const kindsKept = 5_000

/** What policy and the agent's own rules read of its tasks. */
interface Telling {
  columns: (keyof OpenRow)[]
  /** `all` where it cannot be told. */
  claims: readonly string[] | 'all'
}

export class Likely {
  readonly #context: Pick<TaskContext, 'tasks'>
  readonly #rules: Rules
  readonly #lapses: Lapses
  /** By agent. */
  readonly #telling = new Map<unknown, Telling>()
  readonly #kinds = new Map<string, Standing>()

  constructor(context: Pick<TaskContext, 'tasks'>, rules: Rules, lapses: Lapses) {
    this.#context = context
    this.#rules = rules
    this.#lapses = lapses
  }

  /** For one transaction. Undefined where nothing can be said. */
  within(tx: Tx): (row: OpenRow) => Standing | undefined | Promise<Standing | undefined> {
    const standingOf = this.#lapses.within(tx)
    return (row) => {
      const kind = this.#kindOf(row)
      return this.#kinds.get(kind) ?? this.#decide(tx, standingOf, row, kind)
    }
  }

  async #decide(
    tx: Tx,
    standingOf: ReturnType<Lapses['within']>,
    row: OpenRow,
    kind: string,
  ): Promise<Standing | undefined> {
    if (this.#kinds.size >= kindsKept) return undefined
    const task = await this.#context.tasks.get(tx, String(row.id))
    // One that somebody else has written speaks for no other.
    if (!task || 'damaged' in task) return undefined
    const standing = await standingOf(task)
    this.#kinds.set(kind, standing)
    return standing
  }

  #kindOf(row: OpenRow): string {
    let telling = this.#telling.get(row.agent)
    if (!telling) this.#telling.set(row.agent, (telling = tellingOf(this.#rules, String(row.agent))))
    let kind = identityIn(row.principal, telling.claims)
    for (const column of telling.columns) kind += `\n${String(row[column])}`
    return kind
  }
}

function tellingOf({ policies, agents }: Rules, name: string): Telling {
  const columns: (keyof OpenRow)[] = ['status', 'agent', 'owner', 'bounded', 'scope']
  for (const column of ['purpose', 'ttl', 'depth'] as const)
    if (hangsOn(policies, name, column)) columns.push(column)
  if (hangsOn(policies, name, 'request')) columns.push('context')
  const read = policies.agents.get(name)?.claims ?? []
  if (read === 'all') return { columns, claims: 'all' }
  const agent = agents.get(name)
  const matched = agent?.match.flatMap(({ claims }) => claims.map((claim) => claim.name)) ?? []
  const owner =
    agent && typeof agent.owner !== 'string' ? [agent.owner.claim, `${agent.owner.claim}_verified`] : []
  return { columns, claims: [...new Set([...read, ...matched, ...owner])] }
}

/** As much of a principal, as it is recorded, as tells its tasks apart. */
function identityIn(recorded: unknown, named: Telling['claims']): string {
  if (named === 'all') return String(recorded)
  try {
    const { iss, issuer, subject, claims } = JSON.parse(String(recorded)) as Principal
    let told = JSON.stringify([iss, issuer, subject])
    for (const name of named) told += JSON.stringify(claimAt(claims, name))
    return told
  } catch {
    // Somebody else wrote it.
    return String(recorded)
  }
}
