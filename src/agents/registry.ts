/** The agents of one configuration, and which of them a principal may act as. */
import { BrokerError } from '../base/errors.ts'
import type { Principal } from '../identity/principal.ts'
import type { Agent } from './agent.ts'
import { matches } from './match.ts'
import { nearest } from './nearest.ts'
import { ownerFor } from './owner.ts'

/**
 * Whose tasks and leases count together: an agent's, or, with an owner, one person's of an agent
 * whose owner a claim names. Nobody can use up what is somebody else's (docs/decisions/0051).
 */
export interface Share {
  readonly agent: string
  readonly owner?: string
}

/** An agent as one principal acts as it, who answers for that being known. */
export type OwnedAgent = Agent & { readonly owner: string }

/** The agent with the owner that the principal's token shows; else why it is refused. */
export function asOwned(
  agent: Agent,
  principal: Principal,
): { agent: OwnedAgent } | { refused: BrokerError } {
  const owner = ownerFor(agent.owner, principal)
  if (owner !== undefined) return { agent: { ...agent, owner } }
  const claim = typeof agent.owner === 'string' ? '' : agent.owner.claim
  const message = `the owner of ${agent.name} is whoever the verified claim \`${claim}\` names, and this token shows none there`
  return { refused: new BrokerError('unknown_agent', message) }
}

/** The agents of one configuration; immutable. */
export class Agents implements Iterable<Agent> {
  readonly #agents: ReadonlyMap<string, Agent>

  /** Names must be unique: the configuration compiler sees to it. */
  constructor(agents: Iterable<Agent>) {
    this.#agents = new Map([...agents].map((agent) => [agent.name, agent]))
  }

  [Symbol.iterator](): Iterator<Agent> {
    return this.#agents.values()
  }

  get(name: string): Agent | undefined {
    return this.#agents.get(name)
  }

  /** What a task of this agent and owner counts against. */
  shareOf(agent: string, owner: string): Share {
    const configured = this.#agents.get(agent)
    return configured && typeof configured.owner !== 'string' ? { agent, owner } : { agent }
  }

  /** Every agent that `principal` may act as. */
  matching(principal: Principal): Agent[] {
    return [...this].filter((agent) => agent.match.some((rule) => matches(rule, principal)))
  }

  /**
   * The agent that `principal` acts as: the one it matches, or the one it names
   * of several. An agent that it does not match is refused like one that does
   * not exist, so that names cannot be guessed.
   *
   * @throws BrokerError `unknown_agent`, also where its token does not show who answers for it;
   *   `invalid_request` when it must name one.
   */
  choose(principal: Principal, named?: string): OwnedAgent {
    const candidates = this.matching(principal)
    const [agent, another] =
      named === undefined ? candidates : candidates.filter((candidate) => candidate.name === named)
    if (!agent)
      throw new BrokerError(
        'unknown_agent',
        named === undefined
          ? `this identity matches no agent${this.#hint(principal)}`
          : 'this identity does not match the agent named',
      )
    if (another)
      throw new BrokerError(
        'invalid_request',
        `this identity matches several agents; name one of them in \`agent\`: ${candidates
          .map((candidate) => candidate.name)
          .toSorted()
          .join(', ')}`,
      )
    const owned = asOwned(agent, principal)
    if ('refused' in owned) throw owned.refused
    return owned.agent
  }

  /** As much as a caller may be told of the rules: what its own token shows, and nobody could guess anything by. */
  #hint(principal: Principal): string {
    return nearest(this, principal)?.otherForm
      ? '; a rule has the other of the two forms of its subject, `repo:OWNER/REPO:…` and `repo:OWNER@ID/REPO@ID:…`: have it match `repository_id`'
      : ''
  }
}
