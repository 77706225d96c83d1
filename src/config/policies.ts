import type { Agents } from '../agents/registry.ts'
import type { DescribedConnection } from '../leases/connections.ts'
import { compileInTurns, type Policies } from '../policy/compile.ts'
import type { Upstream } from '../policy/namesakes.ts'
import type { ParsedPolicy } from '../policy/parse.ts'
import type { Provider } from '../provider/contract.ts'
import { limits } from './files.ts'
import { readDirectory, type Reading } from './loading.ts'

/** Reads and compiles every policy file of `directory`, or says everything that is wrong with them. */
export async function compilePolicyFiles(
  directory: string | undefined,
  given: {
    providers: readonly Provider[]
    connections: readonly DescribedConnection[]
    agents: Agents
    /** The names of the groups that may approve. */
    approvers: ReadonlySet<string>
  },
  reading: Reading,
): Promise<{ policies: Policies | undefined; written: readonly ParsedPolicy[] }> {
  const files: { file: string; text: string }[] = []
  for await (const read of readDirectory('policies', directory, '.cedar', limits.policy, reading))
    files.push(read)
  const { policies, faults, written } = await compileInTurns(files, {
    providers: given.providers,
    upstreams: given.connections.filter(({ retired }) => !retired).map(asUpstream),
    agents: [...given.agents],
    approvers: given.approvers,
  })
  reading.faults.push(...faults)
  return { policies, written }
}

/** The connection as policy knows it. */
export function asUpstream({ provider, name, terms }: DescribedConnection): Upstream {
  const { leadsTo, host, resources } = terms
  return { vocabulary: provider, type: provider.type, connection: name, upstream: leadsTo, host, resources }
}
