/** Going on, when it is this broker's turn, from where another has left the record since (docs/decisions/0041). */
import { follows } from '../audit/chain.ts'
import type { Head } from '../audit/event.ts'
import type { Seal } from '../base/seal.ts'
import { eventsAfter } from './audit.ts'
import { type HeadKeeper, openHead } from './head.ts'
import { type Held, olderThan } from './last-head.ts'
import type { Statements, StoredRow } from './statements.ts'

/** Events read in one go. */
const eventsAtOnce = 1_000

/** What the turn finds: the rows of the head, and what is held where the record ended when it was our turn. */
export interface FoundHead {
  rows: readonly StoredRow[]
  held: Held
}

/**
 * Takes the stored head for the keeper's where another broker wrote it behind ours; whether
 * that was so. One that is not genuine, or is older than ours, was put there by somebody else:
 * ours counts. Where the record goes on behind ours all the same, what another broker put on
 * record is not to be written over: it is gone on from there, and nothing is granted.
 *
 * @throws Error where only a seal key that is not configured could tell.
 */
export async function followHead(
  keeper: HeadKeeper,
  { rows, held }: FoundHead,
  statements: Statements,
  seal: Seal,
): Promise<boolean> {
  if (keeper.row && JSON.stringify(rows) === JSON.stringify([keeper.row])) return false
  const opened = openHead(rows, seal)
  if (opened?.fault?.key !== undefined) throw new Error(opened.fault.message)
  const { head, state } = keeper
  const { installation } = state
  const isNewer =
    opened?.state?.installation === installation &&
    opened.head.commits > head.commits &&
    olderThan({ ...head, installation }, { installation, head: opened.head }, held) === undefined
  if (isNewer) {
    keeper.adopt({ head: opened.head, state: opened.state!, row: rows[0]! })
    return true
  }
  const end = await reached(statements, seal, head)
  if (end.seq === head.seq) return false
  const { sums: _unknown, ...known } = state
  const commits = Math.max(head.commits, opened?.head.commits ?? 0)
  const doubts = [...state.doubts, 'the head of the record was altered while several brokers wrote it']
  keeper.adopt({ head: { ...end, commits }, state: { ...known, doubts }, row: keeper.row ?? {} })
  return true
}

/** Where the record ends that goes on behind `head`, as far as it is genuine. */
async function reached(statements: Statements, seal: Seal, head: Head): Promise<Head> {
  let end: Head = { seq: head.seq, mac: head.mac }
  for (;;) {
    const events = await eventsAfter(statements, end.seq, eventsAtOnce)
    for (const event of events) {
      if (!seal.has(event.key))
        throw new Error(`the record is under the seal key ${event.key}, which is not configured`)
      if (!follows(seal, end, event)) return end
      end = { seq: event.seq, mac: event.mac }
    }
    if (events.length < eventsAtOnce) return end
  }
}
