/** Lets a single-use token open one task: using it up, and what a store must do for that. */
import { BrokerError } from '../base/errors.ts'
import type { Tx } from '../base/unit.ts'
import type { VerifiedToken } from './verify.ts'

/** Which tokens have been used up. The store implements it. */
export interface UsedTokens {
  /**
   * Records `key` (a `replayKey`) as used until `until`, milliseconds since 1970.
   * False if it already was; of two transactions at once, one gets false.
   */
  use(tx: Tx, key: string, until: number): Promise<boolean>
  /**
   * Forgets keys whose `until` is not after `before`, some hundreds at most, and returns their
   * number: none where there are no more.
   * `before` lies a few minutes back: a token verified in its last second may still be on its way to `use`.
   */
  forget(tx: Tx, before: number): Promise<number>
}

/**
 * Uses the token up, where its issuer's tokens are single use. Call it in the
 * transaction that creates the task: a refusal then leaves the token usable.
 *
 * @throws BrokerError `token_replayed`
 */
export async function useUp(tx: Tx, usedTokens: UsedTokens, verified: VerifiedToken): Promise<void> {
  if (!verified.singleUse) return
  if (await usedTokens.use(tx, verified.replayKey, verified.usableUntil)) return
  throw new BrokerError('token_replayed', 'the token has opened a task before; ask the issuer for a new one')
}
