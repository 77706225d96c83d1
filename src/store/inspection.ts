/** Looking through a store for what the broker has not written, in steps: there may be millions of rows. */
import type { Seal } from '../base/seal.ts'
import type { RowMacs } from './row-macs.ts'
import { keyOfMac, RowSums, type Sums } from './row-sums.ts'
import { keepsTheOver, nameOf, type SealedTable, sealingOf } from './sealed-tables.ts'
import type { Statements, StoredRow } from './statements.ts'

export interface DamagedRow {
  table: SealedTable
  /** What it is called. */
  row: string
  /** The seal key that it would take to tell, where that is not configured. */
  key?: string
}

/** What somebody else has done to the store, as far as it is known. */
export interface Intrusion {
  /** Why nothing is granted; empty when all is well. */
  doubts: readonly string[]
  /** Rows that grant nothing by themselves. */
  damaged: readonly DamagedRow[]
}

/** What was found in one table. */
export interface Found {
  /** Rows that hold something else than was written. The others are sound in spite of them. */
  damaged: DamagedRow[]
  /** Why the rows as a whole are not to be relied on, if they are not; `key` is the seal key that is lacking. */
  doubt?: { message: string; key?: string }
}

export interface Expected {
  seal: Seal
  macs: RowMacs
  /** Undefined where nobody can tell: then each row is looked at by itself. */
  sums: Sums | undefined
}

/**
 * All rows of the table, or its open ones. Those that are damaged are named; one that
 * is missing, or that was there before, makes all of them doubtful: nobody can tell which.
 * So does a damaged one that kept somebody out.
 */
export async function* inspect(
  statements: Statements,
  table: SealedTable,
  { seal, macs, sums }: Expected,
  only?: 'open',
): AsyncGenerator<void, Found> {
  const damaged: DamagedRow[] = []
  const found = new RowSums(seal)
  const { open, keepsOut = false } = sealingOf(table)
  const where = only && open ? ` where ${open.sql}` : ''
  for await (const rows of statements.each(`select * from "${table}"${where}`)) {
    for (const row of rows) {
      found.add(table, row)
      if (!macs.isGenuine(table, row)) damaged.push({ table, row: nameOf(table, row), ...lacking(seal, row) })
    }
    yield
  }
  const doubt =
    (sums && differing(seal, only ? `${table} open` : table, sums, found.toJSON())) ??
    (keepsOut && damaged.some(({ key }) => key === undefined)
      ? { message: `rows of ${table} are not as they were written, and nobody can tell whom they kept out` }
      : undefined)
  return { damaged, ...(doubt !== undefined && { doubt }) }
}

/**
 * Why the open rows of the table are not all that there should be, and no others. Of each only its
 * MAC is read: whether the rest of a row is as the MAC says is seen whenever it is used.
 */
export async function* inspectOpen(
  statements: Statements,
  table: SealedTable,
  { seal, sums }: Expected,
): AsyncGenerator<void, Found> {
  const found = new RowSums(seal)
  const { open } = sealingOf(table)
  const macs = `select row_mac, ${open!.columns} from "${table}" where ${open!.sql}`
  for await (const rows of statements.each(macs)) {
    for (const row of rows) found.add(table, row)
    yield
  }
  const doubt = sums && differing(seal, `${table} open`, sums, found.toJSON())
  return { damaged: [], ...(doubt !== undefined && { doubt }) }
}

/** All of it at once. */
export async function wholly<Result>(steps: AsyncGenerator<void, Result>): Promise<Result> {
  for (;;) {
    const step = await steps.next()
    if (step.done) return step.value
  }
}

function lacking(seal: Seal, { row_mac: mac }: StoredRow): { key?: string } {
  const key = keyOfMac(mac)
  return key === '' || seal.has(key) ? {} : { key }
}

/** Why rows with these sums are not all that there should be, and no others. */
function differing(seal: Seal, set: string, wanted: Sums, found: Sums): Found['doubt'] {
  const of = (name: string) => name.slice(0, name.lastIndexOf(' '))
  const names = [...Object.keys(wanted), ...Object.keys(found)].filter((name) => of(name) === set)
  for (const name of new Set(names)) {
    const key = name.slice(set.length + 1)
    const [rows, sum] = wanted[name] ?? [0, '0']
    const [there, itsSum] = found[name] ?? [0, '0']
    const table = set.replace(/ open$/, '')
    if (rows !== there || (seal.has(key) && sum !== itsSum))
      return { message: `rows of ${table} are missing, were added, or are older than they should be` }
    // Of what is over nothing hangs on a key that was retired since.
    if (!seal.has(key) && !keepsTheOver.includes(set))
      return { key, message: `rows of ${table} are under the seal key ${key}, which is not configured` }
  }
  return undefined
}
