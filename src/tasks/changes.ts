/** Waiting for a task to change: who waits is told once the change is durable. */
import type { AuditEvent } from '../audit/event.ts'

/** How many may watch one task at a time; whoever comes then is not made to wait. */
const mostWatching = 10

/** One who watches a task, from the moment it was made until it is disposed of. */
export interface Watch extends Disposable {
  /**
   * Resolves once the task has changed since this was asked last, with true; with false once
   * `signal` aborts, or where nobody is to wait.
   */
  changed(signal: AbortSignal): Promise<boolean>
}

export class Changes {
  readonly #watching = new Map<string, Set<() => void>>()
  readonly #closing = new AbortController()

  /** To be called with what a commit has recorded. */
  announce(events: readonly AuditEvent[]): void {
    if (this.#watching.size === 0) return
    for (const { task } of events)
      if (task !== undefined) for (const tell of this.#watching.get(task) ?? []) tell()
  }

  /** To be called with the tasks that other brokers have decided, or without where it is not known which. */
  heard(tasks: readonly string[] = [...this.#watching.keys()]): void {
    for (const task of tasks) for (const tell of this.#watching.get(task) ?? []) tell()
  }

  watch(task: string): Watch {
    const watching = this.#watching.get(task) ?? new Set()
    let news = false
    let wake: (() => void) | undefined
    const tell = () => {
      news = true
      wake?.()
    }
    const admitted = watching.size < mostWatching
    if (admitted) this.#watching.set(task, watching.add(tell))
    return {
      changed: async (signal) => {
        const over = AbortSignal.any([signal, this.#closing.signal])
        if (admitted && !news && !over.aborted)
          await new Promise<void>((resolve) => {
            wake = resolve
            over.addEventListener('abort', () => resolve(), { once: true })
          })
        const told = news
        news = false
        return told && !over.aborted
      },
      [Symbol.dispose]: () => {
        watching.delete(tell)
        if (watching.size === 0) this.#watching.delete(task)
      },
    }
  }

  /** Lets everybody go, and has nobody wait from now on. */
  close(): void {
    this.#closing.abort()
  }
}
