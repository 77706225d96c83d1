/**
 * Telling a store that another seal key has written from one that somebody has altered. Under another key
 * a broker would write what no other can read, and revoke what is in use (docs/decisions/0012).
 */
import { follows, originOf } from '../audit/chain.ts'
import type { Head } from '../audit/event.ts'
import { OtherSealKey, type Seal } from '../base/seal.ts'
import type { Tx } from '../base/unit.ts'
import { eventsAfter } from './audit.ts'
import { hasState, headRows, openHead, stateOpens } from './head.ts'
import { RowMacs } from './row-macs.ts'
import { keyOfMac } from './row-sums.ts'
import type { Statements } from './statements.ts'
import { bound } from './transaction.ts'

/** The newest events that are looked at: whoever wants the right key to look wrong has to spoil them all. */
const eventsLookedAt = 10

/** What the first event followed before rows had MACs. */
const formerOrigin: Head = { seq: 0, mac: '' }

/** Whether what is under the key of this id tells. */
type Under = (id: string) => boolean

/** @throws OtherSealKey where nothing in the store is under a key that is configured, or only another can open its head. */
export async function requireItsKey(statements: Statements, seal: Seal): Promise<void> {
  const other = await otherKey(statements, seal)
  if (other) throw other
}

/** The same for a store that is only read. */
export async function otherKeyThan(tx: Tx): Promise<OtherSealKey | undefined> {
  const { statements, seal } = bound(tx)
  return await otherKey(statements, seal)
}

/**
 * A head that does not open says little by itself: anybody who can write the database can alter it. The key is another
 * only where the installation's row and the newest events are not under it either.
 */
async function otherKey(statements: Statements, seal: Seal): Promise<OtherSealKey | undefined> {
  const isSealed = await hasState(statements)
  const key = await (isSealed ? lackingHead(statements, seal) : formerHead(statements))
  if (key === undefined) return undefined
  if (key !== '' && !seal.has(key)) return new OtherSealKey(key, { isConfigured: false })
  // A key that was changed has left other rows under the one before: they tell nothing of this one.
  const under = (id: string) => key === '' || id === key
  if (isSealed && (await hasGenuineInstallation(statements, seal, under))) return undefined
  if (await hasGenuineEvent(statements, seal, under)) return undefined
  return new OtherSealKey(key === '' ? seal.current : key, { isConfigured: true })
}

/** The id of the key that the head names, empty without a head; undefined where a key that is configured wrote it. */
async function lackingHead(statements: Statements, seal: Seal): Promise<string | undefined> {
  const rows = await statements.all(headRows)
  const isIts = openHead(rows, seal)?.state !== undefined || rows.some((row) => stateOpens(row, seal))
  const [row] = rows
  if (isIts) return undefined
  return row ? String(row['key']) : ''
}

/** The same of a version before rows had MACs; undefined where there is no head yet. */
async function formerHead(statements: Statements): Promise<string | undefined> {
  if ((await statements.dialect.columns(statements, 'audit_head')).length === 0) return undefined
  const [row] = await statements.all('select key from audit_head')
  return row && String(row['key'])
}

async function hasGenuineInstallation(statements: Statements, seal: Seal, under: Under): Promise<boolean> {
  const [row] = await statements.all('select * from installation')
  if (!row || !under(keyOfMac(row['row_mac']))) return false
  const macs = await RowMacs.of(statements, seal, String(row['id']))
  return macs.isGenuine('installation', row)
}

async function hasGenuineEvent(statements: Statements, seal: Seal, under: Under): Promise<boolean> {
  const [newest] = await statements.all('select max(seq) as seq from audit_events')
  const [installation] = await statements.all('select id from installation')
  const events = await eventsAfter(
    statements,
    Number(newest?.['seq'] ?? 0) - eventsLookedAt - 1,
    eventsLookedAt + 1,
  )
  const before = [formerOrigin, originOf(String(installation?.['id'])), ...events]
  return events
    .filter((event) => under(event.key))
    .some((event) => before.some((previous) => follows(seal, previous, event)))
}
