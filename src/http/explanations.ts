/**
 * What was explained, counted: an explanation is no decision, and a row for each would let anybody
 * fill the disk; but who asks for a thousand things that they may not have is worth a look (docs/decisions/0052).
 */
import type { AuditTrail } from '../audit/event.ts'
import type { Clock } from '../base/clock.ts'
import type { Unit } from '../base/unit.ts'
import type { Explained } from '../tasks/explain.ts'

/** Requests, agents, and things that were denied, that an event names at most. */
const mostNamed = 20

interface Asked {
  agent: string
  owner: string
  explained: number
  denied: number
  requests: string[]
  /** The agents that were asked about. */
  about: Set<string>
  /** `github.contents.write on GithubRepository::"acme/web"` */
  what: Set<string>
}

export class ExplanationCounter {
  /** By agent and owner. */
  #askers = new Map<string, Asked>()

  count({ asker, agent, details }: Explained, request: string): void {
    const key = JSON.stringify([asker.agent, asker.owner])
    const asked = this.#askers.get(key) ?? {
      agent: asker.agent,
      owner: asker.owner,
      explained: 0,
      denied: 0,
      requests: [],
      about: new Set(),
      what: new Set(),
    }
    this.#askers.set(key, asked)
    if (asked.about.size < mostNamed) asked.about.add(agent)
    asked.explained += 1
    const denied = details.filter(({ outcome }) => outcome === 'denied')
    asked.denied += denied.length
    if (asked.requests.length < mostNamed) asked.requests.push(request)
    for (const { action, resource } of denied.flatMap(({ denials }) => denials))
      if (asked.what.size < mostNamed) asked.what.add(`${action} on ${resource}`)
  }

  /** Puts what has been counted since the last time on record, as one event for each agent and owner. */
  async summarise({ unit, audit, clock }: { unit: Unit; audit: AuditTrail; clock: Clock }): Promise<void> {
    if (this.#askers.size === 0) return
    const taken = this.#askers
    this.#askers = new Map()
    try {
      await unit.write(async (tx) => {
        for (const { agent, owner, about, what, ...counts } of taken.values())
          audit.record(tx, {
            at: clock.now(),
            type: 'request.explained',
            actor: `agent:${agent}`,
            agent,
            owner,
            data: { ...counts, about: [...about], what: [...what] },
          })
      })
    } catch (error) {
      // What was counted meanwhile is the smaller loss: the longer count is kept.
      for (const [key, asked] of taken) this.#askers.set(key, asked)
      throw error
    }
  }
}
