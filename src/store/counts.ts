/**
 * How much is not over, by agent, each person of it, identity and provider: counted with each row that is
 * written, so that nobody has to read all that lives to know (docs/decisions/0037, docs/decisions/0044).
 */
import type { Share } from '../agents/registry.ts'
import { lostStatuses, unfinishedStatuses } from '../leases/lease.ts'
import { classes } from '../provider/terms.ts'
import { openStatuses } from '../tasks/task.ts'
import { keyOf } from '../base/seal.ts'
import { sha256 } from '../base/sha256.ts'
import { isAmong } from './columns.ts'
import { Recent } from './recent.ts'
import type { StoredRow } from './statements.ts'

/** How many of each, by name; what is not there is none. */
export type Count = Readonly<Record<string, number>>

/** Whose counts there are: keys of the table. */
export const countOf = {
  agent: (name: string) => `agent ${name}`,
  /** No name of an agent has a space. */
  person: (agent: string, owner: string) => `person ${agent} ${owner}`,
  share: ({ agent, owner }: Share) =>
    owner === undefined ? countOf.agent(agent) : countOf.person(agent, owner),
  identity: (name: string) => `identity ${name}`,
  provider: (type: string) => `provider ${type}`,
  /** By a digest: a detail may be longer than a key that PostgreSQL takes into an index. */
  kind: (row: StoredRow) => keyOfKind(JSON.stringify(kindColumns.map((column) => row[column]))),
}

/** What is the same of leases for which one configuration is as good as for the other. */
const kindColumns = ['provider', 'connection', 'upstream', 'revocation', 'detail'] as const
const kinds = 'kind '

/** Leases with which something is still to be done: how they were minted, and the keys that their handles are sealed with. */
export interface KindCount {
  minted: Readonly<Record<(typeof kindColumns)[number], string>>
  /** Undefined for those that have no handle. */
  sealKeys: (string | undefined)[]
}

/** The kind that a count is of, which its names say: each with the seal key of some of its handles. Undefined where it counts none. */
export function kindIn(count: Count): KindCount | undefined {
  const names = Object.keys(count).map((name) => JSON.parse(name) as [sealKey: string | null, ...string[]])
  const [first] = names
  if (!first) return undefined
  const [, ...values] = first
  const minted = Object.fromEntries(kindColumns.map((column, at) => [column, values[at]]))
  return {
    minted: minted as KindCount['minted'],
    sealKeys: names.map(([sealKey]) => sealKey ?? undefined),
  }
}

/** Digests of kinds by their texts: there are few, and each lease asks for its own several times. */
const digests = new Recent<string>(500)

function keyOfKind(text: string): string {
  let key = digests.get(text)
  if (key === undefined) digests.set(text, (key = `${kinds}${sha256(text)}`))
  return key
}

/** Changes of counts that are not written yet; those of one work lie on those of the works before it. */
export class Counts {
  readonly #before: Counts | undefined
  readonly #changes = new Map<string, Map<string, number>>()

  constructor(before?: Counts) {
    this.#before = before
  }

  /** The row, of whatever table, is there from now on. */
  add(table: string, row: StoredRow): void {
    this.#count(table, row, 1)
  }

  /** The row, as it was added, is there no longer. */
  remove(table: string, row: StoredRow): void {
    this.#count(table, row, -1)
  }

  /** The work is to be kept. */
  take(work: Counts): void {
    for (const [key, change] of work.#changes) for (const [name, by] of change) this.#change(key, name, by)
  }

  /** The work that was to be kept could not be. */
  giveBack(work: Counts): void {
    for (const [key, change] of work.#changes) for (const [name, by] of change) this.#change(key, name, -by)
  }

  /** Keys of what has changed here. */
  get changed(): string[] {
    return [...this.#changes].flatMap(([key, change]) => ([...change.values()].some(Boolean) ? [key] : []))
  }

  /** The same with what the works before have changed, from `from` on and before `to`. */
  changedWithin(from: string, to: string): string[] {
    const own = [...this.#changes.keys()].filter((key) => key >= from && key < to)
    return [...new Set([...own, ...(this.#before?.changedWithin(from, to) ?? [])])]
  }

  /** What becomes of `stored` with all that has changed. */
  after(key: string, stored: Count = {}): Count {
    const before = this.#before?.after(key, stored) ?? stored
    const change = this.#changes.get(key)
    if (!change) return before
    const after: Record<string, number> = { ...before }
    for (const [name, by] of change) {
      const sum = (after[name] ?? 0) + by
      if (sum === 0 || !Object.hasOwn(after, name)) return summed(before, change)
      after[name] = sum
    }
    return after
  }

  #count(table: string, row: StoredRow, by: 1 | -1): void {
    if (table === 'leases') for (const [key, name] of countedOfLease(row)) this.#change(key, name, by)
    if (table === 'tasks') for (const [key, name] of countedOfTask(row)) this.#change(key, name, by)
  }

  #change(key: string, name: string, by: number): void {
    let change = this.#changes.get(key)
    if (!change) this.#changes.set(key, (change = new Map<string, number>()))
    change.set(name, (change.get(name) ?? 0) + by)
  }
}

/** What a lease counts as: as held with its classes, or as lost, and in its state. */
function countedOfLease(row: StoredRow): [key: string, name: string][] {
  const { status, identity, provider, fingerprint } = row
  const counted: [string, string][] = isUnsettled(row) ? [[countOf.kind(row), nameInKind(row)]] : []
  if (!isAmong(unfinishedStatuses, status)) return counted
  counted.push([countOf.provider(String(provider)), String(status)])
  const shares = sharesOf(row)
  const isLost = isAmong(lostStatuses, status) && fingerprint === null
  for (const share of shares) counted.push([share, isLost ? 'lost' : 'held'])
  if (isLost) return counted
  const holders = [...shares, countOf.identity(String(identity))]
  for (const each of classesOf(row)) for (const holder of holders) counted.push([holder, `class ${each}`])
  return counted
}

/** Whether something is still to be done with the lease: it is not over, or upstream must be reminded of it. */
function isUnsettled({ due_at: dueAt }: StoredRow): boolean {
  return dueAt !== null && dueAt !== undefined
}

function nameInKind(row: StoredRow): string {
  const { handle } = row
  const sealKey = (typeof handle === 'string' && keyOf(handle)) || null
  return JSON.stringify([sealKey, ...kindColumns.map((column) => row[column])])
}

/** What cannot be read may be anything: it counts as every class, so that no `forbid` on what is held is missed. */
export function classesOf({ classes: written }: StoredRow): readonly string[] {
  try {
    const parsed: unknown = JSON.parse(String(written))
    if (Array.isArray(parsed) && parsed.every((each) => isAmong(classes, each))) return parsed as string[]
  } catch {
    // It is no JSON at all.
  }
  return classes
}

function countedOfTask(row: StoredRow): [key: string, name: string][] {
  const { status } = row
  if (!isAmong(openStatuses, status)) return []
  return sharesOf(row).map((share) => [share, String(status)])
}

/** Both, whoever owns the agent: a row does not say how its owner was named. */
function sharesOf({ agent, owner }: StoredRow): string[] {
  return [countOf.agent(String(agent)), countOf.person(String(agent), String(owner))]
}

/** In order of name, where one comes or goes: what is none is not there. */
function summed(before: Count, change: ReadonlyMap<string, number>): Count {
  const names = [...new Set([...Object.keys(before), ...change.keys()])].toSorted()
  const sums = names.map((name) => [name, (before[name] ?? 0) + (change.get(name) ?? 0)] as const)
  return Object.fromEntries(sums.filter(([, n]) => n !== 0))
}

/** As it is stored. */
export function countIn({ value }: StoredRow): Count {
  return JSON.parse(String(value)) as Count
}
