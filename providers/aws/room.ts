/** What fits into a role's inline policies, and what to do with what does not. */
import { nobody, render, type Denials } from './deny-document.ts'

/** IAM, "IAM and AWS STS quotas": all inline policies of one role together, not counting white space. */
export const quota = 10_240

/** The characters of a policy that count. */
export const counted = (text: string) => text.replace(/\s/g, '').length

/** A session to deny. Times in milliseconds since 1970. */
export interface Wanted {
  /** As in `Denials.sessions`. */
  id: string
  /** The latest moment, by AWS's clock, at which it can have been issued. */
  issuedBy: number
}

/** AWS counts in seconds, and says when a session ends rather than when it was issued: one more, to be sure. */
const second = 1000

/**
 * Denies each of `wanted` by itself. Where there is no room for all, the oldest are
 * denied with every other session of the role that is as old: the fewest that this
 * can hit. `floor` is such a time that somebody else still needs.
 */
export function fit(wanted: readonly Wanted[], room: number, floor: number | undefined): Denials {
  const all: Denials = { sessions: new Set(wanted.map(({ id }) => id)), issuedBefore: floor }
  const length = counted(render(all))
  if (length <= room) return all

  const oldestFirst = wanted.toSorted((a, b) => a.issuedBy - b.issuedBy)
  // Counted rather than rendered each time: thousands may have ended at once.
  let over = length + (floor === undefined ? wideCost : 0) - room
  let dropped = 0
  for (; over > 0 && dropped < oldestFirst.length; dropped += 1) over -= costOf(oldestFirst[dropped]!.id)
  const last = oldestFirst[dropped - 1]?.issuedBy ?? 0
  const issuedBefore = Math.max(floor ?? 0, (Math.floor(last / second) + 2) * second)
  const left = oldestFirst.filter(({ issuedBy }) => issuedBy >= issuedBefore)
  return { sessions: new Set(left.map(({ id }) => id)), issuedBefore }
}

/** A session's id with its quotes and its comma. */
const costOf = (id: string) => JSON.stringify(id).length + 1

/** The role-wide statement, with its comma. */
const wideCost = render({ ...nobody, issuedBefore: 0 }).length - render(nobody).length + 1

/** A session as STS names them: role ids have 21 characters, ours of leases 38. */
const sample = `AROA${'X'.repeat(17)}:lease_${'0'.repeat(32)}`

/** How many sessions can each be denied by itself in so much room. */
export function slots(room: number): number {
  const frame = counted(render({ sessions: new Set([sample]), issuedBefore: undefined })) - costOf(sample)
  return Math.max(0, Math.floor((room - frame) / costOf(sample)))
}
