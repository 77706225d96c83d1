/** The store as the next broker finds it: brought up to date, and known or not known to be as it was left. */
import { originOf } from '../audit/chain.ts'
import type { Seal } from '../base/seal.ts'
import { appliedMigrations } from './applied-migrations.ts'
import { Counts } from './counts.ts'
import {
  type CommittedHead,
  hasState,
  HeadKeeper,
  type HeadState,
  headRows,
  holderOf,
  openHead,
} from './head.ts'
import { type Holder, isRunning } from './holder.ts'
import { type Found, inspect, wholly } from './inspection.ts'
import { type Outside, outsideDoubt } from './last-head.ts'
import { isCurrent, migrate } from './migrations.ts'
import { tornCopyDoubt } from './plain-copy.ts'
import type { Writing } from './connection.ts'
import { requireItsKey } from './other-key.ts'
import { RowMacs } from './row-macs.ts'
import { RowSums } from './row-sums.ts'
import { AtOnce } from './row-writes.ts'
import { Rows, unwatched } from './rows.ts'
import { sealedTables } from './sealed-tables.ts'
import type { Statements } from './statements.ts'

/** What the head of the store vouches for, or why it vouches for nothing. */
type Left = { head: CommittedHead; state: HeadState }

/** Whether a process that certainly still runs has the store, by what stands in it. */
export async function isHeld(statements: Statements, seal: Seal): Promise<boolean> {
  const holder = await holderOf(statements, seal)
  return holder !== undefined && isRunning(holder)
}

/**
 * Makes the store this holder's, in the transaction that is open; without one, that of
 * whoever has a lock on it. Undefined, and nothing done, where another holder has it. `isTorn`:
 * whether something of it may be lacking.
 *
 * @throws OtherSealKey, unless that is known to be lost; Error when it was written by a newer version.
 */
export async function takeOver(
  { db, statements, schema, others }: Pick<Writing, 'db' | 'statements' | 'schema' | 'others'>,
  seal: Seal,
  {
    holder,
    outside,
    isTorn = false,
    isKeyLost = false,
  }: { holder?: Holder; outside: Outside; isTorn?: boolean; isKeyLost?: boolean },
): Promise<{ keeper: HeadKeeper; macs: RowMacs; migrated: boolean } | undefined> {
  if (!isKeyLost) await requireItsKey(statements, seal)
  const sealedBefore = await hasState(statements)
  const left = sealedBefore ? await leftBehind(statements, seal) : undefined
  if (holder && left?.state.holder && isRunning(left.state.holder)) return undefined
  const before =
    left?.state.sums && !(await isCurrent(db, schema)) ? await lookThrough(statements, seal, left.state) : []
  const migrated = await migrate(db, schema)
  const { head, state } = left ?? (await firstSealed(statements, seal))
  // What is in doubt already goes on from there, and not from what is known outside.
  const doubt =
    state.doubts.length > 0
      ? undefined
      : ((await outsideDoubt(outside, { ...state, head }, statements)) ??
        (isTorn ? await tornCopyDoubt(statements, seal, outside) : undefined))
  const doubts = doubt === undefined ? state.doubts : [doubt]
  const macs = await RowMacs.of(statements, seal, state.installation)
  const change: Partial<HeadState> = { holder, doubts }
  if (migrated || state.schema === undefined) change.schema = await statements.dialect.schema(statements)
  if (migrated) {
    const sums = new RowSums(seal)
    const damaged = new Set(
      before.flatMap((found) => found.damaged.map(({ table, row }) => `${table} ${row}`)),
    )
    const rows = new Rows({
      writes: new AtOnce(statements),
      macs,
      sums,
      counts: new Counts(),
      watch: unwatched,
    })
    await rows.sealAll((table, row) => damaged.has(`${table} ${row}`))
    change.migrations = await appliedMigrations(statements)
    change.doubts = [...doubts, ...before.flatMap(({ doubt }) => doubt?.message ?? [])]
    // What is in doubt as a whole cannot be counted up as it stands.
    if (!left || left.state.sums) change.sums = sums.toJSON()
  }
  const keeper = new HeadKeeper(statements, seal, head, state)
  if (others) {
    change.next = others.next()
    // Whoever was here before has to look whether that was all: only this one can tell what came in between.
    change.noticed = (state.noticed ?? 0) + 1
  }
  keeper.adopt(await keeper.write([], change))
  return { keeper, macs, migrated }
}

async function leftBehind(statements: Statements, seal: Seal): Promise<Left> {
  const opened = openHead(await statements.all(headRows), seal)
  if (opened?.state) return { head: opened.head, state: opened.state }
  const fault = opened?.fault?.message ?? 'the head of the record is missing'
  const id = await installationIn(statements)
  const state = {
    installation: id,
    origin: originOf(id),
    migrations: await appliedMigrations(statements),
    doubts: [fault],
  }
  return { head: (await newest(statements)) ?? { ...originOf(id), commits: 0 }, state }
}

/** Of a store that is new, or that a version without row MACs has left. */
async function firstSealed(statements: Statements, seal: Seal): Promise<Left> {
  const installation = await installationIn(statements)
  const head = await newest(statements)
  const origin = head ? { seq: 0, mac: '' } : originOf(installation)
  const doubts = (await wasLeftSo(statements, seal, head))
    ? []
    : ['the head of the record is not that of its newest event']
  return {
    head: head ?? { ...origin, commits: 0 },
    state: { installation, origin, migrations: '', doubts },
  }
}

/** Whether the head, as it was made before rows had MACs, vouches for the newest event. */
async function wasLeftSo(
  statements: Statements,
  seal: Seal,
  newest: CommittedHead | undefined,
): Promise<boolean> {
  const [row] = await statements.all('select seq, mac, key, head_mac from audit_head')
  if (!row || !newest) return !row && !newest && (await isEmpty(statements))
  const { seq, mac, key, head_mac: stored } = row
  if (seq !== newest.seq || mac !== newest.mac || typeof key !== 'string' || !seal.has(key)) return false
  return seal.mac('audit head', `${seq}:${mac}`, key).mac === stored
}

/** Whether nothing was ever done in it. */
async function isEmpty(statements: Statements): Promise<boolean> {
  for (const table of sealedTables.filter((each) => each !== 'installation'))
    if ((await statements.all(`select 1 from "${table}" limit 1`)).length > 0) return false
  return true
}

async function newest(statements: Statements): Promise<CommittedHead | undefined> {
  const [row] = await statements.all(
    'select seq, mac from audit_events where seq > 0 order by seq desc limit 1',
  )
  return row && { seq: Number(row['seq']), mac: String(row['mac']), commits: 0 }
}

async function installationIn(statements: Statements): Promise<string> {
  return String((await statements.all('select id from installation'))[0]?.['id'])
}

/** All that is sealed, before a migration changes it. */
async function lookThrough(
  statements: Statements,
  seal: Seal,
  { installation, sums }: HeadState,
): Promise<Found[]> {
  const macs = await RowMacs.of(statements, seal, installation)
  const found: Found[] = []
  for (const table of sealedTables)
    if ((await statements.dialect.columns(statements, table)).length > 0)
      found.push(await wholly(inspect(statements, table, { seal, macs, sums })))
  return found
}
