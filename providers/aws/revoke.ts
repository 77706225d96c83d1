import { ProviderError } from '../../src/provider/failure.ts'
import type { Handle, RevocationOutcome, Upkeep } from '../../src/provider/upstream.ts'
import { denialOf, type Denials } from './deny-document.ts'
import { denied } from './deny-state.ts'
import { toSession, type Session } from './session.ts'
import type { Aws } from './upstream.ts'

/**
 * Ends sessions: their roles deny them from now on, as soon as that has reached
 * all of AWS. A session under whose name nothing can act any more is done. Without `policies` nothing but
 * that ends one.
 */
export async function revoke(
  handles: Handle[],
  { policies, clock }: Aws,
  upkeep: Upkeep,
): Promise<RevocationOutcome[]> {
  const sessions = handles.map((handle) => attempt(() => toSession(handle)))
  const live = sessions.filter(
    (session): session is Session => !(session instanceof ProviderError) && session.standsUntil > clock.now(),
  )
  const shown = new Map<string, Promise<Denials | ProviderError>>()
  if (policies)
    for (const [role, together] of Map.groupBy(live, (session) => session.role))
      shown.set(role, policies.enforce(role, together.map(denied), upkeep).catch(asFailure))

  return await Promise.all(
    sessions.map(async (session): Promise<RevocationOutcome> => {
      if (session instanceof ProviderError) return { done: false, error: session }
      if (!live.includes(session)) return { done: true }
      const denials = (await shown.get(session.role)) ?? onlyExpires
      if (denials instanceof ProviderError) return { done: false, error: denials }
      return denialOf(denials, session) ? { done: true } : { done: false, error: notShown }
    }),
  )
}

const onlyExpires = new ProviderError('rejected', 'a session of this connection ends only with its own life')
const notShown = new ProviderError('unavailable', 'AWS does not show yet that the session is denied', {
  maybeDone: true,
})

function attempt<T>(work: () => T): T | ProviderError {
  try {
    return work()
  } catch (error) {
    return asFailure(error)
  }
}

function asFailure(error: unknown): ProviderError {
  if (error instanceof ProviderError) return error
  throw error
}
