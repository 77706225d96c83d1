/** The keyed chain: whoever can write the database but lacks the seal key cannot rewrite history. */
import { canonicalize } from '../base/canonical.ts'
import type { Mac, Seal } from '../base/seal.ts'
import type { AuditEvent, ChainedEvent, Head, StoredHead } from './event.ts'

/** What the first event has in place of a predecessor: the id of the installation, so that no other's chain will do. */
export function originOf(installation: string): Head {
  return { seq: 0, mac: installation }
}

/** An event that can be chained, and every field of it as RFC 8785 JSON. */
export interface Chainable {
  event: AuditEvent
  text: string
}

/** @throws Error for an event that has no canonical form, so that it could not be chained. */
export function chainable(event: AuditEvent): Chainable {
  let text = ''
  for (const field of fields) {
    const value = event[field]
    if (value !== undefined) text += `${text && ','}"${field}":${canonicalize(value)}`
  }
  return { event, text: `{${text}}` }
}

/** In the order in which RFC 8785 writes them. */
const fields = [
  'actor',
  'agent',
  'at',
  'data',
  'lease',
  'owner',
  'request',
  'status',
  'task',
  'type',
] as const satisfies (keyof AuditEvent)[]

/** RFC 8785 JSON of what the MAC covers, an array: the position, the predecessor, the key's id and the event. */
function covered(seq: number, previous: string, key: string, { text }: Chainable): string {
  return `[${seq},${JSON.stringify(previous)},${JSON.stringify(key)},${text}]`
}

/** Chains `events` behind `head`. */
export function link(seal: Seal, head: Head, events: readonly Chainable[]): ChainedEvent[] {
  let previous = head
  return events.map((each) => {
    const seq = previous.seq + 1
    const key = seal.current
    const { mac } = seal.mac('audit', covered(seq, previous.mac, key, each), key)
    previous = { seq, mac }
    return { ...each.event, seq, key, mac }
  })
}

/** Whether `event` is what was chained behind `previous`. False too when its key is not configured. */
export function follows(seal: Seal, previous: Head, event: ChainedEvent): boolean {
  if (!seal.has(event.key) || event.seq !== previous.seq + 1) return false
  let text: string
  try {
    text = covered(event.seq, previous.mac, event.key, chainable(event))
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
