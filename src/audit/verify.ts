/** Holding the record against its keys, and the tables against the record. */
import { canonicalize } from '../base/canonical.ts'
import { keyOf, type Place, type Seal } from '../base/seal.ts'
import type { Tx } from '../base/unit.ts'
import { follows, sealHead } from './chain.ts'
import type { AuditTrail, ChainedEvent, Head } from './event.ts'
import { type Known, Recorded } from './recorded.ts'

/** What the tables say, to be held against the events. The store implements it. */
export interface Tables {
  /**
   * Every task, lease, approval and suspension (`agent NAME`) with the state that its
   * row is in, what the row says of it under the names that events have for it, and when it
   * began, milliseconds since 1970.
   */
  states(tx: Tx): Promise<({ id: string; began: number } & Known)[]>
  /** What tells of itself that it is not as it was written: rows, and what there is besides tables. */
  faults(tx: Tx): Promise<Discrepancy[]>
  /** Every sealed value and where it stands. */
  sealed(tx: Tx): Promise<{ place: Place; value: string }[]>
}

/** Something that is not as it was written. */
export interface Discrepancy {
  /** The event it was found at, where there is one. */
  seq?: number
  /** The row it is about, where there is one: an id, or `agent NAME` for a suspension. */
  subject?: string
  /** The seal key that it would take to tell, where that is not configured. */
  key?: string
  message: string
}

export interface Verification {
  events: number
  /** The number of the last event that was pruned, 0 where none was. */
  pruned: number
  /** Whether the head that was noted elsewhere is of an event before that one: the record cannot be held against it. */
  isHeadPruned: boolean
  /** The end of the chain as found. */
  head: Head
  /** In the order found: those of the chain come first, by `seq`. */
  discrepancies: Discrepancy[]
}

const eventsPerPage = 1_000

/**
 * Verifies one snapshot of the store. `expected` is a head that was noted
 * elsewhere (the log has one every minute): a chain that does not reach it, or
 * reaches something else there, was cut or rewritten; of one from before what was
 * pruned nothing can be told.
 */
export async function verifyAudit(
  tx: Tx,
  given: { trail: AuditTrail; tables: Tables; seal: Seal; expected?: Head | undefined },
): Promise<Verification> {
  const { trail, tables, seal, expected } = given
  const discrepancies: Discrepancy[] = []
  const recorded = new Recorded()
  const origin = await trail.origin(tx)
  let previous = origin
  let events = 0
  for (let after: number | undefined; ;) {
    const page = await trail.page(tx, after, eventsPerPage)
    if (page.length === 0) break
    after = page.at(-1)!.seq
    for (const event of page) {
      if (event.seq <= origin.seq) {
        const message =
          event.seq < 1
            ? 'there never was such an event: it was put there'
            : 'it was pruned, and put there again'
        discrepancies.push({ seq: event.seq, message })
        continue
      }
      events += 1
      const fault = linkFault(seal, previous, event)
      if (fault && !continues(discrepancies.at(-1), fault)) discrepancies.push(fault)
      if (expected?.seq === event.seq && expected.mac !== event.mac)
        discrepancies.push(notTheNoted(event.seq))
      recorded.follow(event)
      previous = { seq: event.seq, mac: event.mac }
    }
  }
  discrepancies.push(...(await endFaults(tx, trail, seal, previous, expected)))
  if (expected?.seq === origin.seq && expected.mac !== origin.mac) discrepancies.push(notTheNoted(origin.seq))
  discrepancies.push(...stateFaults(recorded, await tables.states(tx)))
  discrepancies.push(...(await tables.faults(tx)))
  for (const { place, value } of await tables.sealed(tx)) {
    const key = keyOf(value)
    if (key !== undefined && !seal.has(key))
      discrepancies.push({
        subject: place.row,
        key,
        message: `its ${place.column} is sealed with ${key}, which is not configured`,
      })
    else if (!opens(seal, value, place))
      discrepancies.push({
        subject: place.row,
        message: `its sealed ${place.column} does not open here: it was moved or altered`,
      })
  }
  const isHeadPruned = expected !== undefined && expected.seq < origin.seq
  return { events, pruned: origin.seq, isHeadPruned, head: previous, discrepancies }
}

const notTheNoted = (seq: number): Discrepancy => ({
  seq,
  message: 'it is not the event whose head was noted',
})

function linkFault(seal: Seal, previous: Head, event: ChainedEvent): Discrepancy | undefined {
  const { seq } = event
  if (seq > previous.seq + 1)
    return {
      seq: previous.seq + 1,
      message: seq === previous.seq + 2 ? 'it is missing' : `it is missing, and all up to ${seq - 1}`,
    }
  if (!seal.has(event.key)) return { seq, key: event.key, message: `its key ${event.key} is not configured` }
  if (follows(seal, previous, event)) return undefined
  return { seq, message: 'it is not as it was written, or not where it was written' }
}

/** Without its key nothing of a whole age can be told: that is one thing to say, not one for each event. */
function continues(last: Discrepancy | undefined, { key }: Discrepancy): boolean {
  return key !== undefined && last?.key === key
}

async function endFaults(
  tx: Tx,
  trail: AuditTrail,
  seal: Seal,
  end: Head,
  expected: Head | undefined,
): Promise<Discrepancy[]> {
  const faults: Discrepancy[] = []
  const cut = (seq: number, source: string) =>
    faults.push({ seq: end.seq + 1, message: `the chain ends before it, but ${source} ${seq}` })
  if (expected && expected.seq > end.seq) cut(expected.seq, 'the noted head is')
  const stored = await trail.head(tx)
  if (!stored) {
    if (end.seq > 0) faults.push({ seq: end.seq, message: 'the stored head is missing' })
    return faults
  }
  if (!seal.has(stored.key))
    faults.push({
      seq: stored.seq,
      key: stored.key,
      message: `the key ${stored.key} of the stored head is not configured`,
    })
  else if (sealHead(seal, stored, stored.key).mac !== stored.headMac)
    faults.push({ seq: stored.seq, message: 'the stored head was altered' })
  else if (stored.seq > end.seq) cut(stored.seq, 'the stored head is')
  else if (stored.seq !== end.seq || stored.mac !== end.mac)
    faults.push({ seq: stored.seq + 1, message: 'the chain goes on beyond the stored head' })
  return faults
}

function stateFaults(recorded: Recorded, rows: Awaited<ReturnType<Tables['states']>>): Discrepancy[] {
  const missing = new Map(recorded.rows)
  const faults: Discrepancy[] = []
  for (const { id: subject, status, facts, began } of rows) {
    const last = missing.get(subject)
    missing.delete(subject)
    if (last === undefined) {
      if (recorded.mayPrecede(began)) continue
      faults.push({ subject, message: 'it stands in the tables but not in the record' })
      continue
    }
    if (last.status !== status)
      faults.push({ subject, message: `it is ${status} in the tables but ${last.status} in the record` })
    for (const [name, value] of Object.entries(facts))
      if (name in last.facts && canonicalize(last.facts[name]) !== canonicalize(value))
        faults.push({ subject, message: `its ${name} in the tables is not the one in the record` })
  }
  for (const subject of missing.keys())
    if (!recorded.mayBePruned(subject))
      faults.push({ subject, message: 'it is on record but not in the tables' })
  return faults
}

function opens(seal: Seal, value: string, place: Place): boolean {
  try {
    seal.open(value, place)
    return true
  } catch {
    return false
  }
}
