import { ProviderError } from '../../src/provider/failure.ts'
import type { Clients } from './client.ts'

/** What the broker is to AWS, and so what its sessions can become (docs/decisions/0020). */
export interface Self {
  /** Whether its credentials are temporary: no role that it assumes then lives longer than an hour. */
  temporary: boolean
  /**
   * Whether they are those of a role's session, so that what it assumes is chained
   * (STS, "role chaining"): no console session that is made of that outlives it.
   */
  chains: boolean
}

/**
 * Finds out what the broker is: `role`, whether it is known to be a role's session.
 * Temporary credentials may be an IAM user's as well (`GetSessionToken`), whose
 * sessions are chained as little as those of its long-term keys; only their ARN tells.
 */
export function selfKnowledge(
  own: (signal: AbortSignal) => ReturnType<Clients['own']>,
  caller: (signal: AbortSignal) => Promise<string | undefined>,
  role: boolean,
): (signal: AbortSignal) => Promise<Self> {
  /** By access key: whose it is does not change. */
  let known: { accessKeyId: string; chains: boolean } | undefined
  return async (signal) => {
    const { accessKeyId, temporary } = await own(signal)
    if (role || !temporary) return { temporary, chains: role }
    if (known?.accessKeyId !== accessKeyId) {
      const arn = await caller(signal).catch(orUndefined)
      if (arn === undefined) return { temporary, chains: false }
      known = { accessKeyId, chains: arn.includes(':assumed-role/') }
    }
    return { temporary, chains: known.chains }
  }
}

/** What cannot be found out now is not known. */
function orUndefined(error: unknown): undefined {
  if (!(error instanceof ProviderError)) throw error
}
