/**
 * Rows that works of one commit have said beforehand that they will look up: read for all of them in
 * one go, and good until one of them writes such a row (docs/decisions/0067).
 */
import type { About } from '../base/unit.ts'
import { unfinishedStatuses } from '../leases/lease.ts'
import { lostStatuses } from './counts.ts'
import { isOpenTask, type SealedTable } from './sealed-tables.ts'
import type { Statements, StoredRow } from './statements.ts'

/** What is found by a value in a column that has an index. */
interface Lookup {
  table: SealedTable
  column: string
  /** Where that is not whole rows: the column among it. */
  selected?: string
  /** What else holds for them, and how they come: SQL. */
  rest?: string
}

const listed = (values: readonly string[]) => values.map((value) => `'${value}'`).join()
const isUnfinished = `status in (${listed(unfinishedStatuses)})`
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
  },
  unfinished: { table: 'leases', column: 'task', rest: `and ${isUnfinished} order by ordinal` },
  approvals: { table: 'approvals', column: 'task', rest: 'order by ordinal' },
  tree: { table: 'tasks', column: 'root', selected: 'id, root' },
  openChildren: { table: 'tasks', column: 'parent', rest: `and ${isOpenTask} order by ordinal` },
} as const satisfies Record<string, Lookup>

export type LookupName = keyof typeof lookups

/** Those that find a row by one of its values. */
const byColumn = new Map<string, LookupName>(
  (['task', 'lease', 'secret', 'token'] as const).map((name) => {
    const { table, column } = lookups[name]
    return [`${table} ${column}`, name]
  }),
)

/** What finds rows of a table, and by which column. */
const byTable = Map.groupBy(
  Object.entries(lookups).map(([name, { table, column }]) => [name, column, table] as const),
  ([, , table]): SealedTable => table,
)

/** For what of a work's matter each of them is. */
const valueOf: Record<LookupName, (about: About) => string | undefined> = {
  task: ({ task }) => task,
  lease: ({ lease }) => lease,
  secret: ({ secretHash }) => secretHash,
  token: ({ replayKey }) => replayKey,
  held: ({ task, to }) => (to === 'mint' ? task : undefined),
  unfinished: ({ task, to }) => (to === 'end' ? task : undefined),
  approvals: ({ task, to }) => (to === 'mint' ? task : undefined),
  tree: ({ root }) => root,
  openChildren: ({ task, to }) => (to === 'end' ? task : undefined),
}

export class LookedUp {
  readonly #rows = new Map<string, StoredRow[]>()

  /** Undefined where it is not known. */
  rows(name: LookupName, value: string): StoredRow[] | undefined {
    return this.#rows.get(`${name} ${value}`)
  }

  /** By a column, if it is one that is looked up by. */
  by(table: SealedTable, column: string, value: string): StoredRow[] | undefined {
    const name = this.#rows.size > 0 && byColumn.get(`${table} ${column}`)
    return name ? this.rows(name, value) : undefined
  }

  /** A work writes a row of the table, whether that is kept or not: what may find it now, or did before, is no longer known. */
  writes(table: SealedTable, ...states: readonly StoredRow[]): void {
    if (this.#rows.size === 0) return
    for (const [name, column] of byTable.get(table) ?? [])
      for (const row of states) this.#rows.delete(`${name} ${String(row[column])}`)
  }

  /** A work puts in a row that was not there: a task whose id was drawn just now holds nothing. */
  inserts(table: SealedTable, row: StoredRow): void {
    this.writes(table, row)
    if (table === 'tasks') this.#rows.set(`held ${String(row['id'])}`, [])
  }

  /** Reads what of that is not known yet, in as many statements as there are lookups, none of which waits for another. */
  async read(statements: Statements, works: readonly About[]): Promise<void> {
    const names = Object.keys(lookups) as LookupName[]
    await Promise.all(names.map((name) => this.#read(statements, name, works)))
  }

  async #read(statements: Statements, name: LookupName, works: readonly About[]): Promise<void> {
    const asked = new Set(works.flatMap((about) => valueOf[name](about) ?? []))
    const wanted = [...asked].filter((value) => !this.rows(name, value))
    if (wanted.length === 0) return
    const { column } = lookups[name]
    const found = await statements.all(sqlOf(name, sizeFor(wanted.length)), filled(wanted))
    for (const value of wanted) this.#rows.set(`${name} ${value}`, [])
    for (const row of found) this.rows(name, String(row[column]))?.push(row)
  }
}

/** Of each, by how many values are looked for: written out once, for what was prepared is found by the text. */
const texts = Object.fromEntries(Object.keys(lookups).map((name) => [name, []])) as unknown as Record<
  LookupName,
  string[]
>

/** `size`: how many values are looked for. */
export function sqlOf(name: LookupName, size = 1): string {
  return (texts[name][size] ??= written(lookups[name], size))
}

function written({ table, column, selected = '*', rest = '' }: Lookup, size: number): string {
  const values = size === 1 ? '= ?' : `in (${Array(size).fill('?').join()})`
  return `select ${selected} from "${table}" where "${column}" ${values} ${rest}`
}

/** For twice as many at a time: each number is a statement to prepare. */
export const sizeFor = (count: number) => 2 ** Math.ceil(Math.log2(count))

export const filled = (values: readonly string[]) => [
  ...values,
  ...Array<string>(sizeFor(values.length) - values.length).fill(values[0]!),
]
