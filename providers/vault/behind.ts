/**
 * Nodes that are behind. A performance standby answers from what it has heard so far, and may not have heard yet
 * of a token that another node made a moment ago ("Vault Enterprise Eventual Consistency").
 */
import { pause, type Clock } from '../../src/clock.ts'
import type { VaultHandle } from './handle.ts'

/** Between attempts: a standby is behind by less than a second, and by more when there is much to hear of. */
const pausesMs = [250, 500, 1_000, 2_000]

interface Circumstances<Answer> {
  clock: Clock
  /** Whether this may be the answer of a node that is. */
  behind: (answer: Answer) => boolean
  /** What the first attempt was answered, where it was made already. */
  first?: Answer
}

/** Asks until the answer is not of a node that is behind, or has not changed for some seconds. */
export async function heard<Answer>(
  { clock, behind, first }: Circumstances<Answer>,
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

/** Longer than the pauses take together. */
const heardWithinMs = 5_000

/** Tells a token that is gone from one that is too new: nodes that are behind answer alike to both. */
export interface Doubt {
  /**
   * Whether "there is no such token" may be said by a node that has not heard of
   * it yet. Taken for dead too soon, it would work on with nobody left to end it
   * (invariant I4).
   */
  about(handle: VaultHandle): boolean
  /** It has been ended, or seen to be gone for long enough. */
  none(handle: VaultHandle): void
}

export function doubt(clock: Clock): Doubt {
  const settled = new Map<string, number>()
  const isNew = (mintedAt: number) => clock.now() < mintedAt + heardWithinMs
  return {
    about: ({ accessor, mintedAt }) => mintedAt !== undefined && isNew(mintedAt) && !settled.has(accessor),
    none({ accessor, mintedAt }) {
      for (const [known, at] of settled) if (!isNew(at)) settled.delete(known)
      if (mintedAt !== undefined && isNew(mintedAt)) settled.set(accessor, mintedAt)
    },
  }
}
