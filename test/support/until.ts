/** Waiting for a state rather than for a time. */
import { setTimeout as wait } from 'node:timers/promises'

/**
 * Resolves with the first answer of `probe` that is neither undefined nor false.
 *
 * @throws Error naming `what` when there is none `within` milliseconds (by the machine's clock).
 */
export async function until<T>(
  what: string,
  probe: () => T | Promise<T>,
  within = 10_000,
): Promise<Exclude<T, undefined | false>> {
  const deadline = performance.now() + within
  for (;;) {
    const answer = await probe()
    if (answer !== undefined && answer !== false) return answer as Exclude<T, undefined | false>
    if (performance.now() >= deadline) throw new Error(`not within ${within} ms: ${what}`)
    await wait(5)
  }
}
