/** Holding an export of the record against the seal keys, wherever it was kept. */
import type { Seal } from '../base/seal.ts'
import { follows } from './chain.ts'
import type { Head, ListedEvent } from './event.ts'
import type { Discrepancy, Verification } from './verify.ts'

/**
 * Verifies events as they were exported, the oldest first. Each is genuine or not by itself; between
 * the first and the last none may be missing. What came before the first is not known here, and what
 * came after the last only by `expected`, a head that was noted elsewhere.
 */
export async function verifyExport(
  events: AsyncIterable<ListedEvent>,
  { seal, expected }: { seal: Seal; expected?: Head | undefined },
): Promise<Omit<Verification, 'pruned' | 'isHeadPruned'> & { first: number | null }> {
  const discrepancies: Discrepancy[] = []
  let count = 0
  let first: number | null = null
  let last: Head | undefined
  for await (const event of events) {
    const { seq, mac, previous } = event
    count += 1
    first ??= seq
    const fault = eventFault(seal, event) ?? (last && placeFault(last, event))
    if (fault) discrepancies.push(fault)
    if (
      expected &&
      (expected.seq === seq ? expected.mac !== mac : expected.seq === seq - 1 && expected.mac !== previous)
    )
      discrepancies.push({ seq: expected.seq, message: 'it is not the event whose head was noted' })
    last = { seq, mac }
  }
  const head = last ?? { seq: 0, mac: '' }
  if (expected && expected.seq > head.seq)
    discrepancies.push({
      seq: head.seq + 1,
      message: `the export ends before it, but the noted head is ${expected.seq}`,
    })
  return { events: count, first, head, discrepancies }
}

function eventFault(seal: Seal, event: ListedEvent): Discrepancy | undefined {
  const { seq, key, previous, damaged } = event
  if (!seal.has(key)) return { seq, key, message: `its key ${key} is not configured` }
  const genuine = damaged === undefined && follows(seal, { seq: seq - 1, mac: previous }, event)
  return genuine ? undefined : { seq, message: 'it is not as it was written' }
}

function placeFault(last: Head, { seq, previous }: ListedEvent): Discrepancy | undefined {
  if (seq <= last.seq) return { seq, message: `it stands behind ${last.seq}: twice, or out of order` }
  const missing = last.seq + 1
  if (seq > missing)
    return {
      seq: missing,
      message: seq === missing + 1 ? 'it is missing' : `it is missing, and all up to ${seq - 1}`,
    }
  return previous === last.mac ? undefined : { seq, message: 'it does not follow the event before it' }
}
