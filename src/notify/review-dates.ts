/** Puts on record that an agent's review date is near: followers of the record tell people. */
import type { Agent } from '../agents/agent.ts'
import type { FollowContext } from './follow.ts'

const dayMs = 24 * 3600 * 1000
/** So many days before it, the last day on which the agent's requests are served. */
const toldBefore = [14, 7, 1]
/** No receiver has this name: it has a space. */
const cursorName = 'review dates'

/** Days since 1970, UTC's. */
export function dayOf(at: number): number {
  return Math.floor(at / dayMs)
}

/** Records of each agent what has become due since the day that was last looked at, once. */
export async function recordNearReviews(context: FollowContext, agents: Iterable<Agent>): Promise<void> {
  const { unit, audit, cursors, clock } = context
  const at = clock.now()
  const today = dayOf(at)
  await unit.write(async (tx) => {
    const stored = await cursors.get(tx, cursorName)
    // Where somebody has altered it, people are told once more.
    const before = stored && !('damaged' in stored) ? stored.seq : -Infinity
    if (before >= today) return
    for (const { name, owner, reviewBy } of agents) {
      const due = dayOf(Date.parse(reviewBy))
      const days = due - today
      if (days < 0 || !toldBefore.some((each) => days <= each && due - before > each)) continue
      audit.record(tx, {
        at,
        type: 'agent.review_near',
        actor: 'broker',
        agent: name,
        ...(typeof owner === 'string' && { owner }),
        data: { review_by: reviewBy, days, ...(typeof owner !== 'string' && { owner_claim: owner.claim }) },
      })
    }
    await cursors.put(tx, { name: cursorName, seq: today, mac: null })
  })
}
