/** How long credentials outlived their deadline, or the decision to end them before it, from the events of each commit. */
import type { AuditEvent } from '../audit/event.ts'

/** The most that are on their way out at once and remembered: of more, the first are forgotten. */
const most = 100_000

/** Remembers what is on its way out. What a process before has begun is not measured: it was not there. */
export class RevocationLag {
  /** When each lease that was retired was to be dead, milliseconds since 1970. */
  readonly #retired = new Map<string, number>()
  readonly #seen: (provider: string, seconds: number) => void

  /** `seen` hears of each that was seen dead. */
  constructor(seen: (provider: string, seconds: number) => void) {
    this.#seen = seen
  }

  committed(events: readonly AuditEvent[]): void {
    for (const { type, lease, at, data } of events) {
      if (lease === undefined) continue
      if (type === 'lease.retired') this.#remember(lease, Math.min(at, deadlineIn(data) ?? at))
      if (type !== 'lease.revoked' && type !== 'lease.expired') continue
      const since = this.#retired.get(lease)
      this.#retired.delete(lease)
      // One that only its own end takes back was never to be dead before.
      if (since !== undefined && type === 'lease.revoked')
        this.#seen(String(data?.['provider']), (at - since) / 1000)
    }
  }

  #remember(lease: string, at: number): void {
    // What becomes known of it on its way changes nothing of when it was to end.
    if (this.#retired.has(lease)) return
    this.#retired.set(lease, at)
    if (this.#retired.size <= most) return
    const [oldest] = this.#retired.keys()
    this.#retired.delete(oldest!)
  }
}

/** That it ends then was decided when it was minted: it may be dead before its end is on record (docs/decisions/0045). */
function deadlineIn(data: AuditEvent['data']): number | undefined {
  const deadline = data?.['deadline']
  return typeof deadline === 'string' ? Date.parse(deadline) : undefined
}
