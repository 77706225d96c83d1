/** Keeps the roles' deny policies as they should be, whoever else writes them. */
import { pause } from '../../src/base/clock.ts'
import { refused } from '../../src/provider/answers.ts'
import { ProviderError } from '../../src/provider/failure.ts'
import type { ConnectionContext, Upkeep } from '../../src/provider/upstream.ts'
import type { Api } from './api.ts'
import { denialOf, parse, render, sameDenials, type Denials } from './deny-document.ts'
import {
  adopt,
  forget,
  gather,
  plan,
  sessionIn,
  unknownState,
  type Denied,
  type DenyState,
} from './deny-state.ts'
import { counted, quota, slots } from './room.ts'
import { rounds, type Round } from './rounds.ts'

/** What those who want something denied share: how to learn of all that should be, and whom to tell of what else is. */
type Options = Partial<Omit<Upkeep, 'signal'>> & Pick<Upkeep, 'signal'>

export interface DenyPolicies {
  /**
   * Has `role` deny `sessions`, and all else that should be denied there. Calls
   * that come together share their writes. Resolves with what AWS shows afterwards.
   *
   * @throws ProviderError
   */
  enforce(role: string, sessions: Denied[], options: Options): Promise<Denials>
  /** What AWS shows. @throws ProviderError */
  read(role: string, signal: AbortSignal): Promise<Denials>
  /** The roles that deny anything, as far as is known. */
  roles(): string[]
  /** How many sessions of the role can each be denied by itself. */
  slots(role: string): number
  /** Whether this one can be denied by itself, beside those that are, as far as is known. `id` as in `Denials.sessions`. */
  hasRoom(role: string, id: string): boolean
  /** Whether sessions of the role can be denied: undefined until that is known, or why not, in our words. */
  able(role: string): true | string | undefined
  /** Finds that out, and changes nothing. @throws ProviderError */
  tryOut(role: string, signal: AbortSignal): Promise<void>
  /** Characters that the role's other inline policies take. @throws ProviderError */
  takenByOthers(role: string, signal: AbortSignal): Promise<number>
}

/** How often a policy is written in one go, and the rest between: others may be writing too. */
const [mostWrites, restMs] = [3, 500]

/** The name of the installation's policy on each role; another installation's has another. */
export const policyName = (installation: string) => `mayfly-deny-${installation}`

/**
 * Those of one connection.
 *
 * @param longestTrace the seconds for which whatever a session of the role has become can act at most
 */
export function denyPolicies(
  connection: string,
  api: Api,
  { clock, exclusive, installation, shared }: ConnectionContext,
  longestTrace: (role: string, signal: AbortSignal) => Promise<number>,
): DenyPolicies {
  const name = () => policyName(installation())
  // A role has one policy of ours, however many connections lead to it.
  const states = shared('aws denials', () => new Map<string, DenyState>())

  const stateOf = (role: string): DenyState => {
    const state = states.get(role) ?? unknownState()
    states.set(role, state)
    return state
  }

  const read = async (role: string, signal: AbortSignal) => parse(await api.rolePolicy(role, name(), signal))

  const takenByOthers = async (role: string, signal: AbortSignal) => {
    const names = (await api.rolePolicyNames(role, signal)).filter((other) => other !== name())
    const texts = await Promise.all(names.map((other) => api.rolePolicy(role, other, signal)))
    return texts.reduce((sum, text) => sum + counted(text ?? ''), 0)
  }

  /** Characters that other inline policies take; as far as is known, where the broker may not look at them. */
  const measure = async (state: DenyState, role: string, signal: AbortSignal) => {
    try {
      state.taken = await takenByOthers(role, signal)
    } catch (error) {
      if (!(error instanceof ProviderError && error.kind === 'rejected')) throw error
    }
  }

  /** What the policy is to say. Before sessions are hit that nobody wanted to end: there may be more room than was last seen. */
  const planned = async (state: DenyState, role: string, signal: AbortSignal) => {
    if (plan(state, clock.now()).issuedBefore !== state.floor?.issuedBefore)
      await measure(state, role, signal)
    return plan(state, clock.now())
  }

  const write = async (state: DenyState, role: string, signal: AbortSignal) => {
    const put = async () => {
      const denials = plan(state, clock.now())
      if (denials.issuedBefore !== undefined) state.written.add(denials.issuedBefore)
      if (denials.sessions.size === 0 && denials.issuedBefore === undefined)
        await api.deleteRolePolicy(role, name(), signal)
      else if ((await api.putRolePolicy(role, name(), render(denials), signal)) === 'full') return false
      else state.writable.set(connection, true)
      return true
    }
    if (await put()) return
    await measure(state, role, signal)
    if (!(await put())) throw refused("the role's other inline policies leave no room to deny its sessions")
  }

  /** Remembers why `work` was refused, if it was: what cannot be taken back must not be minted. */
  const learning = async <T>(state: DenyState, work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      if (error instanceof ProviderError && error.kind === 'rejected')
        state.writable.set(connection, error.message)
      throw error
    }
  }

  const inRounds = rounds(
    exclusive,
    async (role: string, { members, signal }: Round<Options>): Promise<Denials> => {
      const state = stateOf(role)
      const standing = members.find((member) => member.standing)?.standing
      // What should be denied is known from the store; where that cannot be read, from memory.
      if (standing) gather(state, role, await standing().catch(() => []))
      const known = { issuedBy: clock.now() + api.skew(), until: clock.now() }
      known.until += (await longestTrace(role, signal)) * 1000
      const found = await learning(state, async () => {
        let shown = await read(role, signal)
        adopt(state, shown, known)
        for (let writes = 0; writes < mostWrites; writes += 1) {
          if (sameDenials(await planned(state, role, signal), shown)) break
          // IAM has no compare-and-set, and may show what was there a moment ago.
          if (writes > 0) await pause(clock, restMs)
          await write(state, role, signal)
          shown = await read(role, signal)
          adopt(state, shown, known)
        }
        return shown
      })
      forget(state, found, clock.now())
      for (const { alsoRefused } of members) if (alsoRefused) tell(alsoRefused, role, found)
      return found
    },
  )

  return {
    async enforce(role, sessions, options) {
      const state = stateOf(role)
      for (const session of sessions) state.denied.set(session.id, session)
      return await inRounds(role, options, options.signal)
    },
    read,
    roles: () =>
      [...states].filter(([, state]) => state.denied.size > 0 || state.floor).map(([role]) => role),
    hasRoom(role, id) {
      const denied = states.get(role)?.denied
      return !denied || denied.has(id) || denied.size < slots(quota - (states.get(role)?.taken ?? 0))
    },
    slots: (role) => slots(quota - (states.get(role)?.taken ?? 0)),
    able: (role) => states.get(role)?.writable.get(connection),
    async tryOut(role, signal) {
      const state = stateOf(role)
      await learning(state, async () => {
        await read(role, signal)
        await api.tryPutRolePolicy(role, `${name()}-trial`, signal)
      })
      state.writable.set(connection, true)
    },
    takenByOthers,
  }
}

/** A time by which the role refuses sessions hits those too that nobody wanted to end. */
function tell(alsoRefused: NonNullable<Upkeep['alsoRefused']>, role: string, found: Denials): void {
  const { issuedBefore } = found
  if (issuedBefore === undefined) return
  alsoRefused(
    (handle) => {
      const session = sessionIn(handle)
      return session?.role === role && denialOf(found, session) === 'role'
    },
    `its role denies every session issued before ${new Date(issuedBefore).toISOString()}`,
  )
}
