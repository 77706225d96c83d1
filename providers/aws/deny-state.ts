/** What is known of one role's denials, by all connections together. After a restart it is gathered again, from the store and from AWS (docs/decisions/0015). */
import type { Handle } from '../../src/provider/upstream.ts'
import { type Denials } from './deny-document.ts'
import { fit, quota, type Wanted } from './room.ts'
import { toSession, type Session } from './session.ts'

/** A session that a role is to deny `until` nothing can act under its name any more, milliseconds since 1970. */
export interface Denied extends Wanted {
  until: number
}

export interface DenyState {
  /** By id, with those that somebody else has put into the policy. */
  denied: Map<string, Denied>
  /** A role-wide time that is not ours, and how long to keep it. */
  floor: { issuedBefore: number; until: number } | undefined
  /** The role-wide times that we wrote, or tried to. */
  written: Set<number>
  /** Characters that the role's other inline policies take. */
  taken: number
  /** Whether a connection can write the policy, by its name, or why not, in our words. */
  writable: Map<string, true | string>
}

export const unknownState = (): DenyState => ({
  denied: new Map(),
  floor: undefined,
  written: new Set(),
  taken: 0,
  writable: new Map(),
})

export const denied = ({ userId, issuedAt, standsUntil }: Session): Denied => ({
  id: userId,
  issuedBy: issuedAt,
  until: standsUntil,
})

/** Notes what the store says is to be denied on `role`. */
export function gather({ denied: all }: DenyState, role: string, handles: readonly Handle[]): void {
  for (const handle of handles) {
    const session = sessionIn(handle)
    if (session?.role === role) all.set(session.userId, denied(session))
  }
}

/** Undefined for what is no handle of a session. */
export function sessionIn(handle: Handle): Session | undefined {
  try {
    return toSession(handle)
  } catch {
    return undefined
  }
}

/** A restored backup, or a replica that was frozen, knows of sessions that we do not: theirs stay, `until` none of them can act. */
export function adopt(state: DenyState, found: Denials, { issuedBy, until }: Omit<Denied, 'id'>): void {
  for (const id of found.sessions) if (!state.denied.has(id)) state.denied.set(id, { id, issuedBy, until })
  const { issuedBefore } = found
  if (issuedBefore === undefined || state.written.has(issuedBefore)) return
  if (issuedBefore > (state.floor?.issuedBefore ?? 0)) state.floor = { issuedBefore, until }
}

/** What the policy is to say. */
export function plan({ denied: all, floor, taken }: DenyState, now: number): Denials {
  const wanted = [...all.values()].filter(({ until }) => until > now)
  return fit(wanted, quota - taken, floor && floor.until > now ? floor.issuedBefore : undefined)
}

/** What is over is remembered until AWS shows it no more: otherwise it would pass for somebody else's. */
export function forget(state: DenyState, found: Denials, now: number): void {
  for (const [id, { until }] of state.denied)
    if (until <= now && !found.sessions.has(id)) state.denied.delete(id)
  if (state.floor && state.floor.until <= now && found.issuedBefore !== state.floor.issuedBefore)
    state.floor = undefined
}
