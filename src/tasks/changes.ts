/** Waiting for a task to change: who waits is told once the change is durable. */
import type { AuditEvent } from '../audit/event.ts'

/** How many may wait for one task at a time; whoever comes then is not made to wait. */
const mostWaiting = 10

export class Changes {
  readonly #waiting = new Map<string, Set<() => void>>()
  #closed = false

  /** To be called with what a commit has recorded. */
  announce(events: readonly AuditEvent[]): void {
    if (this.#waiting.size === 0) return
    for (const { task } of events)
      if (task !== undefined) for (const resolve of this.#waiting.get(task) ?? []) resolve()
  }

  /** Resolves at the next change of the task, with true; with false once `signal` aborts, or where nobody is to wait. */
  async next(task: string, signal: AbortSignal): Promise<boolean> {
    const waiting = this.#waiting.get(task) ?? new Set()
    if (this.#closed || signal.aborted || waiting.size >= mostWaiting) return false
    this.#waiting.set(task, waiting)
    const { promise, resolve } = Promise.withResolvers<void>()
    const stop = () => resolve()
    waiting.add(stop)
    signal.addEventListener('abort', stop, { once: true })
    try {
      await promise
      return !this.#closed && !signal.aborted
    } finally {
      signal.removeEventListener('abort', stop)
      waiting.delete(stop)
      if (waiting.size === 0) this.#waiting.delete(task)
    }
  }

  /** Lets everybody go, and has nobody wait from now on. */
  close(): void {
    this.#closed = true
    for (const waiting of this.#waiting.values()) for (const resolve of waiting) resolve()
  }
}
