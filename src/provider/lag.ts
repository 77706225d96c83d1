/**
 * Upstreams that have not heard yet: replicas, standbys and caches that lag behind what was
 * done a moment ago. They are asked again within seconds, and not believed meanwhile
 * (docs/decisions/0004).
 */
import { pause, type Clock } from '../base/clock.ts'

interface Circumstances<Answer> {
  clock: Clock
  /** Between attempts, in milliseconds. */
  pausesMs: readonly number[]
  /** Whether this may be the answer of one that lags. */
  behind: (answer: Answer) => boolean
  /** What the first attempt was answered, where it was made already. */
  first?: Answer
}

/** Asks until the answer is not of one that lags, or has not changed for some seconds. */
export async function heard<Answer>(
  { clock, pausesMs, behind, first }: Circumstances<Answer>,
  ask: () => Promise<Answer>,
): Promise<Answer> {
  let answer = first ?? (await ask())
  for (const ms of pausesMs) {
    if (!behind(answer)) break
    await pause(clock, ms)
    answer = await ask()
  }
  return answer
}

/** A credential by whatever tells it from others. `mintedAt`: milliseconds since 1970, where that is known. */
interface Newcomer {
  key: string
  mintedAt: number | undefined
}

/**
 * Tells a credential that is gone from one that is too new: an upstream that has not heard of
 * it everywhere yet answers alike to both. Taken for dead too soon, it would work on with
 * nobody left to end it (invariant I4).
 */
export interface Doubt {
  /** Whether "there is no such credential" may mean that it has not been heard of yet. */
  about(credential: Newcomer): boolean
  /**
   * Upstream has shown that it knows it, or for long enough that it does not. That it took a
   * revocation shows nothing: that is said of what it does not know as well.
   */
  none(credential: Newcomer): void
}

/** `withinMs`: how long upstream may take to hear of a credential everywhere. */
export function createDoubt(clock: Clock, withinMs: number): Doubt {
  const settled = new Map<string, number>()
  const isNew = (mintedAt: number) => clock.now() < mintedAt + withinMs
  return {
    about: ({ key, mintedAt }) => mintedAt !== undefined && isNew(mintedAt) && !settled.has(key),
    none({ key, mintedAt }) {
      for (const [known, at] of settled) {
        // What was minted first is mostly settled first: where thousands are, each must not look at all of them.
        if (isNew(at)) break
        settled.delete(known)
      }
      if (mintedAt !== undefined && isNew(mintedAt)) settled.set(key, mintedAt)
    },
  }
}
