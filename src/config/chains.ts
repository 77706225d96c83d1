import type { Agents } from '../agents/registry.ts'
import type { Issuers } from '../identity/issuer.ts'
import type { DescribedConnection } from '../leases/connections.ts'
import { type Chain, chains } from '../policy/chains.ts'
import type { Policies } from '../policy/compile.ts'
import { asUpstream } from './policies.ts'

/** Who can become whom under a configuration: for whoever looks at one, since it is compared agent by agent. */
export function chainsOf(rules: {
  issuers: Issuers
  agents: Agents
  policies: Policies
  connections: Iterable<DescribedConnection>
}): Chain[] {
  const { issuers, agents, policies, connections } = rules
  return chains({
    agents,
    policies,
    upstreams: [...connections].filter(({ retired }) => !retired).map(asUpstream),
    issuers: new Map(
      [...issuers.values()].map(({ name, issuer: url, platform }) => [name, { url, platform }]),
    ),
  })
}

/** `A → acme/web → deployer` */
export function wayOf({ agents, through }: Chain): string {
  return agents.flatMap((agent, at) => (at === 0 ? [agent] : [through[at - 1]!, agent])).join(' → ')
}
