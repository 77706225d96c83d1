/**
 * Works that come while a broker waits for its turn to write: what they will look up is asked for behind that turn, so that
 * it is known as the turn begins, and nobody else waits for the answer (docs/decisions/0067).
 */
import type { Job } from './work-group.ts'

export class Latecomers {
  readonly #look: (works: readonly Job[]) => Promise<void>
  /** How many more share the next commit. */
  #room: number
  #come: Job[] = []
  readonly #looking: Promise<void>[] = []
  #isClosed = false

  /** `look` sends its questions at once, on the connection on which the turn is waited for. */
  constructor(room: number, look: (works: readonly Job[]) => Promise<void>) {
    this.#room = room
    this.#look = look
  }

  add(work: Job): void {
    if (this.#room === 0) return
    this.#room -= 1
    // Those that come at once are asked for together.
    if (this.#come.push(work) === 1) setImmediate(() => this.#ask())
  }

  /** The turn has come: asks for nothing more. Resolves once all that was asked for is answered, if only with a refusal. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all(this.#looking)
  }

  #ask(): void {
    const come = this.#come
    this.#come = []
    // What is not found here is asked for by the turn itself: so it hears of what went wrong.
    if (!this.#isClosed) this.#looking.push(this.#look(come).catch(() => undefined))
  }
}
