import { stsKey } from '../agents/sts.ts'
import { isBrokerError } from '../base/errors.ts'
import type { Connections, DescribedConnection } from '../leases/connections.ts'
import type { WrittenAgent } from './agents.ts'
import type { Reading } from './loading.ts'

/** What octo-sts' clients are to get has to be something that can be minted, for one agent each, within its life. */
export function checkGrants(
  written: readonly WrittenAgent[],
  connections: Connections<DescribedConnection>,
  { faults }: Reading,
): void {
  const taken = new Map<string, string>()
  for (const { agent, file } of written) {
    const { sts } = agent
    if (!sts) continue
    const at = (key: string, message: string, remedy: string) =>
      faults.push({ file, path: `sts.${key}`, message, remedy })
    const other = taken.get(stsKey(sts))
    if (other !== undefined)
      at(
        'identity',
        `${other} is asked for by the same scope and identity`,
        'Name another; one of them would never be found.',
      )
    taken.set(stsKey(sts), agent.name)
    if (sts.ttl > agent.maxTtl)
      at(
        'ttl',
        `is longer than max_ttl, ${agent.maxTtl} seconds`,
        'Write a shorter one, or a longer `max_ttl`.',
      )
    try {
      connections.resolve(sts.authorization_detail, 'authorization_detail')
    } catch (error) {
      if (!isBrokerError(error)) throw error
      at('authorization_detail', error.message, 'Write one that a task of this configuration may ask for.')
    }
  }
}
