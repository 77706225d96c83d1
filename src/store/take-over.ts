/** The store as the next broker finds it: brought up to date, and known or not known to be as it was left. */
import { originOf } from '../audit/chain.ts'
import type { Seal } from '../base/seal.ts'
import { Counts } from './counts.ts'
import { type CommittedHead, HeadKeeper, type HeadState, headRows, openHead } from './head.ts'
import { type Holder, isRunning } from './holder.ts'
import { type Found, inspect, wholly } from './inspection.ts'
import { olderThan, type Outside } from './last-head.ts'
import { isCurrent, migrate } from './migrations.ts'
import type { Connection } from './node-sqlite.ts'
import { RowMacs } from './row-macs.ts'
import { RowSums } from './row-sums.ts'
import { Rows, unwatched } from './rows.ts'
import { sealedTables } from './sealed-tables.ts'
import type { Statements } from './statements.ts'
import { appliedMigrations } from './store-schema.ts'

/** What the head of the store vouches for, or why it vouches for nothing. */
type Left = { head: CommittedHead; state: HeadState }

/**
 * Makes the store this holder's, in the transaction that is open. Undefined, and nothing
 * done, where another process has it.
 *
 * @throws Error when it was written by a newer version.
 */
export async function takeOver(
  { db, statements }: Connection,
  seal: Seal,
  { holder, outside }: { holder: Holder; outside: Outside },
): Promise<{ keeper: HeadKeeper; macs: RowMacs } | undefined> {
  const sealedBefore = hasState(statements)
  const left = sealedBefore ? leftBehind(statements, seal) : undefined
  if (left?.state.holder && isRunning(left.state.holder)) return undefined
  const before = left?.state.sums && !(await isCurrent(db)) ? lookThrough(statements, seal, left.state) : []
  const migrated = await migrate(db)
  const { head, state } = left ?? firstSealed(statements, seal)
  // What is in doubt already goes on from there, and not from what is known outside.
  const doubts =
    state.doubts.length > 0 ? state.doubts : outsideDoubts(outside, { ...state, head, statements })
  const macs = new RowMacs(statements, seal, state.installation)
  const change: Partial<HeadState> = { holder, doubts }
  if (migrated) {
    const sums = new RowSums(seal)
    const damaged = new Set(
      before.flatMap((found) => found.damaged.map(({ table, row }) => `${table} ${row}`)),
    )
    const rows = new Rows({ statements, macs, sums, counts: new Counts(), watch: unwatched })
    rows.sealAll((table, row) => damaged.has(`${table} ${row}`))
    change.migrations = appliedMigrations(statements)
    change.doubts = [...doubts, ...before.flatMap(({ doubt }) => doubt?.message ?? [])]
    // What is in doubt as a whole cannot be counted up as it stands.
    if (!left || left.state.sums) change.sums = sums.toJSON()
  }
  const keeper = new HeadKeeper(statements, seal, head, state)
  keeper.adopt(keeper.write([], change))
  return { keeper, macs }
}

function outsideDoubts({ known, fault }: Outside, store: Parameters<typeof olderThan>[1]): string[] {
  const doubt = fault ?? (known && olderThan(known, store))
  return doubt === undefined ? [] : [doubt]
}

function hasState(statements: Statements): boolean {
  return statements.all("select name from pragma_table_info('audit_head') where name = 'state'").length > 0
}

function leftBehind(statements: Statements, seal: Seal): Left {
  const opened = openHead(statements.all(headRows), seal)
  if (opened?.state) return { head: opened.head, state: opened.state }
  const fault = opened?.fault?.message ?? 'the head of the record is missing'
  const id = installationIn(statements)
  const state = {
    installation: id,
    origin: originOf(id),
    migrations: appliedMigrations(statements),
    doubts: [fault],
  }
  return { head: newest(statements) ?? { ...originOf(id), commits: 0 }, state }
}

/** Of a store that is new, or that a version without row MACs has left. */
function firstSealed(statements: Statements, seal: Seal): Left {
  const installation = installationIn(statements)
  const head = newest(statements)
  const origin = head ? { seq: 0, mac: '' } : originOf(installation)
  const doubts = wasLeftSo(statements, seal, head)
    ? []
    : ['the head of the record is not that of its newest event']
  return {
    head: head ?? { ...origin, commits: 0 },
    state: { installation, origin, migrations: '', doubts },
  }
}

/** Whether the head, as it was made before rows had MACs, vouches for the newest event. */
function wasLeftSo(statements: Statements, seal: Seal, newest: CommittedHead | undefined): boolean {
  const [row] = statements.all('select seq, mac, key, head_mac from audit_head')
  if (!row || !newest) return !row && !newest && isEmpty(statements)
  const { seq, mac, key, head_mac: stored } = row
  if (seq !== newest.seq || mac !== newest.mac || typeof key !== 'string' || !seal.has(key)) return false
  return seal.mac('audit head', `${seq}:${mac}`, key).mac === stored
}

/** Whether nothing was ever done in it. */
function isEmpty(statements: Statements): boolean {
  return sealedTables
    .filter((table) => table !== 'installation')
    .every((table) => statements.all(`select 1 from "${table}" limit 1`).length === 0)
}

function newest(statements: Statements): CommittedHead | undefined {
  const [row] = statements.all('select seq, mac from audit_events where seq > 0 order by seq desc limit 1')
  return row && { seq: Number(row['seq']), mac: String(row['mac']), commits: 0 }
}

function installationIn(statements: Statements): string {
  return String(statements.all('select id from installation')[0]?.['id'])
}

/** All that is sealed, before a migration changes it. */
function lookThrough(statements: Statements, seal: Seal, { installation, sums }: HeadState): Found[] {
  const macs = new RowMacs(statements, seal, installation)
  const there = statements.all("select name from sqlite_master where type = 'table'").map(({ name }) => name)
  return sealedTables
    .filter((table) => there.includes(table))
    .map((table) => wholly(inspect(statements, table, { seal, macs, sums })))
}
