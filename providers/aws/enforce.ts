/** Keeps the roles' deny policies as they should be, whoever else writes them. */
import { pause } from '../../src/clock.ts'
import { ProviderError, type ConnectionContext, type Handle } from '../../src/provider.ts'
import type { Api } from './api.ts'
import { parse, render, sameDenials, type Denials } from './deny-document.ts'
import { counted, fit, quota, slots, type Wanted } from './room.ts'
import { rounds, type Round } from './rounds.ts'
import { toSession, type Session } from './session.ts'

/** A session that a role is to deny `until` it has ended by itself, milliseconds since 1970. */
export interface Denied extends Wanted {
  until: number
}

/** What those who want something denied share: how to learn of all that should be. */
interface Options {
  /** Left out by who knows of one session only. */
  standing?: () => Promise<Handle[]>
  signal: AbortSignal
}

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
  /** Characters that the role's other inline policies take. @throws ProviderError */
  takenByOthers(role: string, signal: AbortSignal): Promise<number>
}

/** What is known of one role. After a restart it is gathered again, from the store and from AWS. */
interface Known {
  /** By id, with those that somebody else has put into the policy. */
  denied: Map<string, Denied>
  /** A role-wide time that is not ours, and how long to keep it. */
  floor: { issuedBefore: number; until: number } | undefined
  /** The role-wide times that we wrote, or tried to. */
  written: Set<number>
  /** Characters that the role's other inline policies take. */
  taken: number
}

/** How often a policy is written in one go, and the rest between: others may be writing too. */
const [mostWrites, restMs] = [3, 500]

/** The name of the installation's policy on each role; another installation's has another. */
export const policyName = (installation: string) => `mayfly-deny-${installation}`

export const denied = ({ userId, issuedAt, expiresAt }: Session): Denied => ({
  id: userId,
  issuedBy: issuedAt,
  until: expiresAt,
})

/** `longestLife`: the seconds that a session of the role lives at most. */
export function denyPolicies(
  api: Api,
  { clock, exclusive, installation }: ConnectionContext,
  longestLife: (role: string) => number,
): DenyPolicies {
  const name = () => policyName(installation())
  const states = new Map<string, Known>()

  const knownOf = (role: string): Known => {
    const known = states.get(role) ?? { denied: new Map(), floor: undefined, written: new Set(), taken: 0 }
    states.set(role, known)
    return known
  }

  const read = async (role: string, signal: AbortSignal) => parse(await api.rolePolicy(role, name(), signal))

  /** What should be denied is known from the store; where that cannot be read, from memory. */
  const gather = async (known: Known, role: string, standing: () => Promise<Handle[]>) => {
    for (const handle of await standing().catch(() => [])) {
      const session = sessionIn(handle)
      if (session?.role === role) known.denied.set(session.userId, denied(session))
    }
  }

  /** A restored backup, or a replica that was frozen, knows of sessions that we do not: theirs stay. */
  const adopt = (known: Known, found: Denials, role: string) => {
    const until = clock.now() + longestLife(role) * 1000
    const issuedBy = clock.now() + api.skew()
    for (const id of found.sessions) if (!known.denied.has(id)) known.denied.set(id, { id, issuedBy, until })
    const { issuedBefore } = found
    if (issuedBefore === undefined || known.written.has(issuedBefore)) return
    if (issuedBefore > (known.floor?.issuedBefore ?? 0)) known.floor = { issuedBefore, until }
  }

  const plan = ({ denied: all, floor, taken }: Known): Denials => {
    const now = clock.now()
    const wanted = [...all.values()].filter(({ until }) => until > now)
    return fit(wanted, quota - taken, floor && floor.until > now ? floor.issuedBefore : undefined)
  }

  const takenByOthers = async (role: string, signal: AbortSignal) => {
    const names = (await api.rolePolicyNames(role, signal)).filter((other) => other !== name())
    const texts = await Promise.all(names.map((other) => api.rolePolicy(role, other, signal)))
    return texts.reduce((sum, text) => sum + counted(text ?? ''), 0)
  }

  /** Characters that other inline policies take; as far as is known, where the broker may not look at them. */
  const measure = async (known: Known, role: string, signal: AbortSignal) => {
    try {
      known.taken = await takenByOthers(role, signal)
    } catch (error) {
      if (!(error instanceof ProviderError && error.kind === 'rejected')) throw error
    }
  }

  const write = async (known: Known, role: string, signal: AbortSignal) => {
    const put = async () => {
      const denials = plan(known)
      if (denials.issuedBefore !== undefined) known.written.add(denials.issuedBefore)
      if (denials.sessions.size === 0 && denials.issuedBefore === undefined)
        await api.deleteRolePolicy(role, name(), signal)
      else if ((await api.putRolePolicy(role, name(), render(denials), signal)) === 'full') return false
      return true
    }
    // Before sessions are hit that nobody wanted to: there may be more room than when it was last measured.
    if (plan(known).issuedBefore !== known.floor?.issuedBefore) await measure(known, role, signal)
    if (await put()) return
    await measure(known, role, signal)
    if (!(await put()))
      throw new ProviderError(
        'rejected',
        "the role's other inline policies leave no room to deny its sessions",
      )
  }

  const inRounds = rounds(
    exclusive,
    async (role: string, { members, signal }: Round<() => Promise<Handle[]>>): Promise<Denials> => {
      const known = knownOf(role)
      const [standing] = members
      if (standing) await gather(known, role, standing)
      let found = await read(role, signal)
      adopt(known, found, role)
      for (let writes = 0; writes < mostWrites && !sameDenials(plan(known), found); writes += 1) {
        // IAM has no compare-and-set, and may show what was there a moment ago.
        if (writes > 0) await pause(clock, restMs)
        await write(known, role, signal)
        found = await read(role, signal)
        adopt(known, found, role)
      }
      forget(known, found, clock.now())
      return found
    },
  )

  return {
    async enforce(role, sessions, { standing, signal }) {
      const known = knownOf(role)
      for (const session of sessions) known.denied.set(session.id, session)
      return await inRounds(role, standing, signal)
    },
    read,
    roles: () =>
      [...states].filter(([, known]) => known.denied.size > 0 || known.floor).map(([role]) => role),
    slots: (role) => slots(quota - (states.get(role)?.taken ?? 0)),
    takenByOthers,
  }
}

function sessionIn(handle: Handle): Session | undefined {
  try {
    return toSession(handle)
  } catch {
    return undefined
  }
}

/** What is over is remembered until AWS shows it no more: otherwise it would pass for somebody else's. */
function forget(known: Known, found: Denials, now: number): void {
  for (const [id, { until }] of known.denied)
    if (until <= now && !found.sessions.has(id)) known.denied.delete(id)
  if (known.floor && known.floor.until <= now && found.issuedBefore !== known.floor.issuedBefore)
    known.floor = undefined
}
