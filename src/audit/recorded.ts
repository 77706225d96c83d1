/** Rebuilds from the events what the tables should hold, for verification to compare. */
import { isoTime } from '../base/iso-time.ts'
import { sha256 } from '../base/sha256.ts'
import type { AuditEvent } from './event.ts'

/** A row as far as the record tells: the state it is in, and what else is known of it, under the events' own names. */
export interface Known {
  status: string
  facts: Record<string, unknown>
}

/** States in which nothing more becomes of a task, a lease or an approval. */
const over: readonly string[] = ['completed', 'denied', 'expired', 'failed', 'granted', 'revoked']

/** Follows the events, the oldest first. */
export class Recorded {
  /** By the id of a task, lease, approval or fence. */
  readonly rows = new Map<string, Known>()
  /** When each came into the state that it is in, milliseconds since 1970. */
  readonly #since = new Map<string, number>()
  /** Before when what had ended may be gone from the tables, and before when the record may. */
  #endedBefore = -Infinity
  #recordedBefore = -Infinity
  /** Approvals asked and not yet answered, by their task. */
  readonly #waiting = new Map<string | undefined, Set<string>>()
  /** The agents on which a fence was raised, by the fence. */
  readonly #fenced = new Map<string, string>()

  follow(event: AuditEvent): void {
    const { type, agent, owner, task, lease, status, data } = event
    // An event about a lease names its task too.
    const subject = lease ?? task
    if (subject !== undefined && status !== undefined)
      this.#know(event.at, subject, status, { ...data, agent, owner, ...(lease !== undefined && { task }) })
    switch (type) {
      case 'retention.applied':
        this.#endedBefore = Math.max(this.#endedBefore, timeIn(data?.['ended_before']))
        this.#recordedBefore = Math.max(this.#recordedBefore, timeIn(data?.['recorded_before']))
        return
      case 'approval.requested':
        this.#waitingFor(task).add(approvalOf(event))
        return this.#know(event.at, approvalOf(event), 'pending', { ...data, task })
      case 'approval.granted':
      case 'approval.denied':
        this.#waitingFor(task).delete(approvalOf(event))
        return this.#know(event.at, approvalOf(event), type.slice('approval.'.length), {
          ...data,
          by: adminOf(event),
        })
      case 'task.ended':
        // The end of a task is the end of whatever was still asked for it.
        for (const approval of this.#waitingFor(task)) this.#know(event.at, approval, 'expired', {})
        this.#waiting.delete(task)
        return
      case 'fence.raised':
        if (agent !== undefined) this.#fenced.set(fenceOf(event), agent)
        return this.#know(event.at, fenceOf(event), 'standing', {
          ...data,
          by: adminOf(event),
          at: timeOf(event),
        })
      case 'fence.lifted':
        this.#fenced.delete(fenceOf(event))
        this.rows.delete(fenceOf(event))
        return
      case 'agent.suspended':
        // Before there were fences it stood alone.
        if (agent === undefined || [...this.#fenced.values()].includes(agent)) return
        return this.#know(event.at, suspensionFence(agent), 'standing', {
          ...data,
          by: adminOf(event),
          at: timeOf(event),
          selector: { agent },
        })
      case 'agent.resumed':
        if (agent !== undefined) this.rows.delete(suspensionFence(agent))
    }
  }

  /** Whether its rows may be gone by now: it is over, and its time was up when they were last tidied. */
  mayBePruned(subject: string): boolean {
    const known = this.rows.get(subject)
    return known !== undefined && over.includes(known.status) && this.#since.get(subject)! < this.#endedBefore
  }

  /** Whether the events of what began then may be gone by now. */
  mayPrecede(began: number): boolean {
    return began < this.#recordedBefore
  }

  #know(at: number, subject: string, status: string, news: Known['facts']): void {
    this.#since.set(subject, at)
    const said = Object.entries(news).filter(([, value]) => value !== undefined)
    const facts = { ...this.rows.get(subject)?.facts, ...Object.fromEntries(said) }
    this.rows.set(subject, { status, facts })
  }

  #waitingFor(task: string | undefined): Set<string> {
    const waiting = this.#waiting.get(task) ?? new Set()
    this.#waiting.set(task, waiting)
    return waiting
  }
}

/** The id of the fence that the suspension of an agent became which was ordered before there were any. */
export function suspensionFence(agent: string): `fence_${string}` {
  return `fence_${sha256(`the suspension of ${agent}`).slice(0, 32)}`
}

const timeIn = (written: unknown) =>
  typeof written === 'string' ? Date.parse(written) || -Infinity : -Infinity
const fenceOf = ({ data }: AuditEvent) => String(data?.['fence'])
const timeOf = ({ at }: AuditEvent) => isoTime(at)
const approvalOf = ({ data }: AuditEvent) => String(data?.['approval'])

/** Who did it, as the tables name them. */
const adminOf = ({ actor }: AuditEvent) => actor.replace(/^admin:/, '')
