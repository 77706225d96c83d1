/** The keyed chain: whoever can write the database but lacks the seal key cannot rewrite history. */
import canonicalize from 'canonicalize'
import type { Mac, Seal } from '../base/seal.ts'
import type { AuditEvent, ChainedEvent, Head, StoredHead } from './event.ts'

/** What the first event has in place of a predecessor: the id of the installation, so that no other's chain will do. */
export function originOf(installation: string): Head {
  return { seq: 0, mac: installation }
}

/** RFC 8785 JSON of what the MAC covers: the position, the predecessor, the key's id and every field of the event. */
function covered(seq: number, previous: string, key: string, event: AuditEvent): string {
  const { at, type, actor, agent, owner, task, lease, status, data, request } = event
  return canonicalize([
    seq,
    previous,
    key,
    { at, type, actor, agent, owner, task, lease, status, data, request },
  ])!
}

/** @throws Error for an event that has no canonical form, so that it could not be chained. */
export function requireChainable(event: AuditEvent): void {
  covered(0, '', '', event)
}

/** Chains `events` behind `head`. */
export function link(seal: Seal, head: Head, events: readonly AuditEvent[]): ChainedEvent[] {
  let previous = head
  return events.map((event) => {
    const seq = previous.seq + 1
    const key = seal.current
    const { mac } = seal.mac('audit', covered(seq, previous.mac, key, event), key)
    previous = { seq, mac }
    return { ...event, seq, key, mac }
  })
}

/** Whether `event` is what was chained behind `previous`. False too when its key is not configured. */
export function follows(seal: Seal, previous: Head, event: ChainedEvent): boolean {
  if (!seal.has(event.key) || event.seq !== previous.seq + 1) return false
  let text: string
  try {
    text = covered(event.seq, previous.mac, event.key, event)
  } catch {
    // It has no canonical form, so it was never chained: somebody put it there to stop the verification.
    return false
  }
  return seal.mac('audit', text, event.key).mac === event.mac
}

/** The MAC kept beside the chain's end, so that events cut off the end are missed. */
export function sealHead(
  seal: Seal,
  { commits, seq, mac, state }: Omit<StoredHead, 'key' | 'headMac'>,
  key = seal.current,
): Mac {
  return seal.mac('audit head', JSON.stringify([commits, seq, mac, state]), key)
}
