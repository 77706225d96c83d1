import type { Agents } from '../agents/registry.ts'
import type { Issuers } from '../identity/issuer.ts'
import type { DescribedConnection } from '../leases/connections.ts'
import { type Chain, chains, raises } from '../policy/chains.ts'
import type { Policies } from '../policy/compile.ts'
import type { ChainInput } from '../policy/trust.ts'
import { asUpstream } from './policies.ts'

interface Rules {
  issuers: Issuers
  agents: Agents
  policies: Policies
  connections: Iterable<DescribedConnection>
}

/** Who can become whom under a configuration: for whoever looks at one, since it is compared agent by agent. */
export function chainsOf(rules: Rules): Chain[] {
  return chains(inputOf(rules))
}

/** Who becomes more than they may be, without anybody's yes: the first chain of each agent, and how many more it has. */
export function raisesOf(rules: Rules): ReturnType<typeof raises> {
  return raises(inputOf(rules))
}

function inputOf({ issuers, agents, policies, connections }: Rules): ChainInput {
  return {
    agents,
    policies,
    upstreams: [...connections].filter(({ retired }) => !retired).map(asUpstream),
    issuers: new Map(
      [...issuers.values()].map(({ name, issuer: url, platform }) => [name, { url, platform }]),
    ),
  }
}

/** `A → acme/web → deployer` */
export function wayOf({ agents, through }: Chain): string {
  return agents.flatMap((agent, at) => (at === 0 ? [agent] : [through[at - 1]!, agent])).join(' → ')
}
