import { outcomeOf, passing, refused } from '../../src/provider/answers.ts'
import type { Handle, RevocationOutcome, Upkeep } from '../../src/provider/upstream.ts'
import { denialOf, type Denials } from './deny-document.ts'
import { denied, sessionIn } from './deny-state.ts'
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
  const sessions = handles.map(sessionIn)
  const isLive = ({ standsUntil }: Session) => standsUntil > clock.now()
  const live = sessions.filter((session) => session !== undefined).filter(isLive)
  const shown = new Map<string, Promise<Denials>>()
  if (policies)
    for (const [role, together] of Map.groupBy(live, (session) => session.role))
      shown.set(role, policies.enforce(role, together.map(denied), upkeep))

  return await Promise.all(
    handles.map((handle, index) =>
      outcomeOf(async () => {
        const session = toSession(handle)
        if (!live.some((each) => each === sessions[index])) return
        const denials = await shown.get(session.role)
        if (!denials) throw refused('a session of this connection ends only with its own life')
        if (!denialOf(denials, session))
          throw passing('AWS does not show yet that the session is denied', { maybeDone: true })
      }),
    ),
  )
}
