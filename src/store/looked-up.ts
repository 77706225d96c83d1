/**
 * Rows that works look up: read for all works of a commit in one go where they have said so beforehand
 * (docs/decisions/0067), and known, as works leave them, for as long as nobody else writes (docs/decisions/0069).
 */
import type { About } from '../base/unit.ts'
import { lostStatuses, unfinishedStatuses } from '../leases/lease.ts'
import { openStatuses } from '../tasks/task.ts'
import { isAmong } from './columns.ts'
import { Recent } from './recent.ts'
import { isOpen, type SealedTable } from './sealed-tables.ts'
import type { Statements, StoredRow } from './statements.ts'

/** What is found by a value in a column that has an index. */
interface Lookup {
  table: SealedTable
  column: string
  /** The select list, where not whole rows are read; `column` is in it. */
  selected?: string
  /** What else holds for them: SQL. */
  rest?: string
  /** Whether they come in the order in which they were put in. */
  isOrdered?: true
  /** The same as `rest` says, of one row. */
  holds?: (row: StoredRow) => boolean
  /** Whether its rows are aggregates: what a work writes cannot be put in their place, so it drops them. */
  isSummed?: true
}

export const listed = (values: readonly string[]) => values.map((value) => `'${value}'`).join()
/** `status || ''` keeps SQLite from the index of the status, which it would take for several values, and go through all that lives. */
export const statusIn = (statuses: readonly string[]) => `(status || '') in (${listed(statuses)})`
const isUnfinished = statusIn(unfinishedStatuses)
/** What somebody holds, or may yet be given: all that is not over, but for what was lost on its way. */
const isHeld = `${isUnfinished} and (status not in (${listed(lostStatuses)}) or fingerprint is not null)`

export const lookups = {
  task: { table: 'tasks', column: 'id' },
  lease: { table: 'leases', column: 'id' },
  secret: { table: 'leases', column: 'secret_hash' },
  token: { table: 'used_tokens', column: 'key' },
  /** How many leases of each kind a task holds. */
  held: {
    table: 'leases',
    column: 'task',
    selected: 'task, classes, count(*) as n',
    rest: `and ${isHeld} group by task, classes`,
    isSummed: true,
  },
  unfinished: {
    table: 'leases',
    column: 'task',
    rest: `and ${isUnfinished}`,
    isOrdered: true,
    holds: ({ status }) => isAmong(unfinishedStatuses, status),
  },
  approvals: { table: 'approvals', column: 'task', isOrdered: true },
  tree: { table: 'tasks', column: 'root', selected: 'id, root' },
  openChildren: {
    table: 'tasks',
    column: 'parent',
    rest: `and ${statusIn(openStatuses)}`,
    isOrdered: true,
    holds: (row) => isOpen('tasks', row),
  },
} as const satisfies Record<string, Lookup>

export type LookupName = keyof typeof lookups

const lookupNames = Object.keys(lookups) as LookupName[]

/** What finds a row by one of its values. */
function nameBy(table: SealedTable, column: string): LookupName | undefined {
  if (table === 'tasks') return column === 'id' ? 'task' : undefined
  if (table === 'leases') return column === 'id' ? 'lease' : column === 'secret_hash' ? 'secret' : undefined
  return table === 'used_tokens' && column === 'key' ? 'token' : undefined
}

/** What finds rows of a table. */
const byTable = Map.groupBy(lookupNames, (name): SealedTable => lookups[name].table)

/** The value by which each lookup searches, from what a work says it is about; undefined where that work does not need it. */
const valueFrom: Record<LookupName, (about: About) => string | undefined> = {
  // Who decides about a task has read it.
  task: ({ task, to }) => (to === 'decide' ? undefined : task),
  lease: ({ lease }) => lease,
  secret: ({ secretHash }) => secretHash,
  token: ({ replayKey }) => replayKey,
  held: ({ task, to }) => (to === 'mint' ? task : undefined),
  unfinished: ({ task, to }) => (to === 'end' ? task : undefined),
  approvals: ({ task, to }) => (to === 'mint' || to === 'decide' ? task : undefined),
  tree: ({ root }) => root,
  openChildren: ({ task, to }) => (to === 'end' ? task : undefined),
}

/** Lookups by the id of a task. */
const ofTask = ['task', 'held', 'unfinished', 'approvals', 'tree', 'openChildren'] as const
type OfTask = (typeof ofTask)[number]
const isOfTask = (name: LookupName): name is OfTask => isAmong(ofTask, name)

/** Tasks, and leases, of which at least what was found last is kept: those of the requests that are under way, and some more. */
const kept = 500

const none: readonly StoredRow[] = []

export class LookedUp {
  readonly #tasks = new Recent<Partial<Record<OfTask, readonly StoredRow[] | undefined>>>(kept)
  readonly #others = {
    lease: new Recent<readonly StoredRow[]>(kept),
    secret: new Recent<readonly StoredRow[]>(kept),
    token: new Recent<readonly StoredRow[]>(kept),
  } satisfies Record<Exclude<LookupName, OfTask>, unknown>
  /** Of what the work that is under way has written something. */
  #written: [name: LookupName, value: string][] = []

  /** Undefined where it is not known. */
  rows(name: LookupName, value: string): readonly StoredRow[] | undefined {
    if (!isOfTask(name)) return this.#others[name].get(value)
    const known = this.#tasks.get(value)
    if (name !== 'held') return known?.[name]
    return known?.held ?? (known?.unfinished && heldAmong(known.unfinished))
  }

  /** By a column, if it is one that is looked up by. */
  by(table: SealedTable, column: string, value: string): readonly StoredRow[] | undefined {
    const name = nameBy(table, column)
    return name && this.rows(name, value)
  }

  /** That is what the store holds. Secrets and used tokens are left out: nobody comes back for one. */
  found(name: LookupName, value: string, rows: readonly StoredRow[]): void {
    if (name !== 'secret' && name !== 'token') this.#set(name, value, rows)
  }

  /** The same of the rows with a value in a column, if it is one that is looked up by. */
  foundBy(table: SealedTable, column: string, value: string, rows: readonly StoredRow[]): void {
    const name = nameBy(table, column)
    if (name) this.found(name, value, rows)
  }

  /** A work begins: what those before it have written is kept, as far as that is known yet. */
  begin(): void {
    if (this.#written.length > 0) this.#written = []
  }

  /** Nothing is left of the work that is under way. */
  undo(): void {
    for (const [name, value] of this.#written)
      if (isOfTask(name)) this.#tasks.delete(value)
      else this.#others[name].delete(value)
    this.#written = []
  }

  /** A work writes a row of the table, which was `before` until then and is `after`: undefined where there is none. */
  writes(table: SealedTable, before: StoredRow | undefined, after: StoredRow | undefined): void {
    for (const name of byTable.get(table) ?? []) {
      const { column } = lookups[name]
      const [from, to] = [before?.[column], after?.[column]]
      // Whatever else becomes of a task, it stays where it is.
      if (name === 'tree' && from === to) continue
      if (typeof to === 'string') this.#writes(name, to, before, after)
      if (typeof from === 'string' && from !== to) this.#writes(name, from, before, undefined)
    }
  }

  /** A work puts in a task. Its id was drawn just now: nothing hangs off it yet. */
  opens(row: StoredRow): void {
    const { id, root } = row as { id: string; root: unknown }
    const own = [row]
    const hung = { held: none, unfinished: none, approvals: none, openChildren: none }
    this.#tasks.set(id, { task: own, ...hung, tree: root === id ? [inTree(row)] : undefined })
    this.#written.push(['task', id])
  }

  #writes(
    name: LookupName,
    value: string,
    before: StoredRow | undefined,
    after: StoredRow | undefined,
  ): void {
    this.#written.push([name, value])
    const { holds, isSummed }: Lookup = lookups[name]
    const row = after && (!holds || holds(after)) ? (name === 'tree' ? inTree(after) : after) : undefined
    // Nobody else has the id of a lease.
    const known = this.rows(name, value) ?? (name === 'lease' && !before ? none : undefined)
    this.#set(name, value, isSummed ? undefined : known && replaced(known, before, row))
  }

  #set(name: LookupName, value: string, rows: readonly StoredRow[] | undefined): void {
    if (!isOfTask(name)) {
      if (rows) this.#others[name].set(value, rows)
      else this.#others[name].delete(value)
      return
    }
    const known = this.#tasks.get(value)
    if (known) known[name] = rows
    else if (rows) this.#tasks.set(value, { [name]: rows })
  }

  /** Reads what of that is not known yet, in as many statements as there are lookups, none of which waits for another. */
  async read(statements: Statements, works: readonly About[]): Promise<void> {
    await Promise.all(lookupNames.map((name) => this.#read(statements, name, works)))
  }

  async #read(statements: Statements, name: LookupName, works: readonly About[]): Promise<void> {
    const asked = new Set(works.flatMap((about) => valueFrom[name](about) ?? []))
    const wanted = [...asked].filter((value) => !this.rows(name, value))
    if (wanted.length === 0) return
    const { column } = lookups[name]
    const found = await statements.all(sqlOf(name, paddedSize(wanted.length)), padded(wanted))
    const rows = Map.groupBy(found, (row) => String(row[column]))
    for (const value of wanted) this.#set(name, value, rows.get(value) ?? none)
  }
}

/** SQL of each lookup by its number of values, built once: prepared statements are found by their text. */
const texts = Object.fromEntries(lookupNames.map((name) => [name, []])) as unknown as Record<
  LookupName,
  string[]
>

/** `size`: how many values are looked for. */
export function sqlOf(name: LookupName, size = 1): string {
  return (texts[name][size] ??= written(lookups[name], size))
}

function written({ table, column, selected = '*', rest = '', isOrdered }: Lookup, size: number): string {
  const values = size === 1 ? '= ?' : `in (${Array(size).fill('?').join()})`
  // Those of each value one after another, as its index has them: for an order across them all would be sorted.
  const order = isOrdered ? `order by ${size === 1 ? '' : `"${column}", `}ordinal` : ''
  return `select ${selected} from "${table}" where "${column}" ${values} ${rest} ${order}`
}

const inTree = ({ id, root }: StoredRow): StoredRow => ({ id, root })

/**
 * `rows` with `row` in place of `before`, or behind all where there was none. Undefined where `before` is not among them:
 * nobody knows then where `row` belongs.
 */
function replaced(
  rows: readonly StoredRow[],
  before: StoredRow | undefined,
  row: StoredRow | undefined,
): readonly StoredRow[] | undefined {
  if (!before) return row ? [...rows, row] : rows
  const at = rows.findIndex(({ id }) => id === before['id'])
  if (at < 0) return row ? undefined : rows
  return row ? rows.with(at, row) : rows.toSpliced(at, 1)
}

/** What `held` finds where that is all that is not finished. */
function heldAmong(unfinished: readonly StoredRow[]): StoredRow[] {
  const held = unfinished.filter(
    ({ status, fingerprint }) => !isAmong(lostStatuses, status) || fingerprint !== null,
  )
  const byClasses = Map.groupBy(held, ({ classes }) => classes)
  return [...byClasses].map(([classes, rows]) => ({ task: rows[0]!['task'], classes, n: rows.length }))
}

/** The next power of two: each number of placeholders is a statement of its own to prepare. */
export const paddedSize = (count: number) => 2 ** Math.ceil(Math.log2(count))

/** `values`, filled up to that size with the first: asked for twice, it is found once. */
export const padded = (values: readonly string[]) => [
  ...values,
  ...Array<string>(paddedSize(values.length) - values.length).fill(values[0]!),
]
