/** Long work in short steps: who else is being served does not wait for the whole of it (docs/decisions/0034). */
import { setImmediate } from 'node:timers/promises'

/** A work that stops after each step, and says about how many microseconds that took. */
export type Steps<Result> = Generator<number, Result, undefined>

/** Microseconds that may pass before others have their turn: much less than a probe waits for. */
const turn = 5_000

/** Lets everything else that is ready have its turn of the event loop. */
export const breathe = (): Promise<void> => setImmediate()

/** All steps one after another, for who serves nobody else meanwhile. */
export function atOnce<Result>(steps: Steps<Result>): Result {
  for (;;) {
    const step = steps.next()
    if (step.done) return step.value
  }
}

/** The same with a turn for everybody else in between. */
export async function inTurns<Result>(steps: Steps<Result>): Promise<Result> {
  for (let taken = 0; ;) {
    const step = steps.next()
    if (step.done) return step.value
    taken += step.value
    if (taken < turn) continue
    taken = 0
    await breathe()
  }
}

/** Each of `items`, with a turn for everybody else after every so many. */
export async function* withTurns<Item>(items: Iterable<Item>, every: number): AsyncGenerator<Item> {
  let given = 0
  for (const item of items) {
    yield item
    given += 1
    if (given % every === 0) await breathe()
  }
}
