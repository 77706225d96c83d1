/**
 * Nodes that are behind. A performance standby answers from what it has heard so far, and may not have heard yet
 * of a token that another node made a moment ago ("Vault Enterprise Eventual Consistency").
 */
import type { Clock } from '../../src/base/clock.ts'
import { createDoubt, heard, type Doubt } from '../../src/provider/lag.ts'
import type { VaultHandle } from './handle.ts'

/** Between attempts: a standby is behind by less than a second, and by more when there is much to hear of. */
const pausesMs = [250, 500, 1_000, 2_000]

/** Longer than the pauses take together. */
const heardWithinMs = 5_000

/** Asks until the answer is not of a node that is behind, or has not changed for some seconds. */
export function untilHeard<Answer>(
  circumstances: { clock: Clock; behind: (answer: Answer) => boolean; first?: Answer },
  ask: () => Promise<Answer>,
): Promise<Answer> {
  return heard({ ...circumstances, pausesMs }, ask)
}

/** Tells tokens that are gone from those that the node that is asked has not heard of. */
export const tokenDoubt = (clock: Clock): Doubt => createDoubt(clock, heardWithinMs)

/** A token as doubt knows it. */
export function newcomer({ accessor, mintedAt }: VaultHandle) {
  return { key: accessor, mintedAt }
}
