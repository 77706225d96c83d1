/** Keeping the roles' denials as they should be, and finding out whether they could be made. */
import type { Upkeep } from '../../src/provider/upstream.ts'
import type { AwsConfig } from './config.ts'
import type { DenyPolicies } from './enforce.ts'

/** @returns what throws `ProviderError` for a role with which it went wrong, having seen to the others */
export function maintenance({ roles }: AwsConfig, policies: DenyPolicies): (upkeep: Upkeep) => Promise<void> {
  // What the last process denied may have ended while none was there to see it.
  let unseen = true
  return async (upkeep) => {
    const handles = await upkeep.standing()
    const given = new Set([...handles.map(({ role }) => role), ...policies.roles()])
    const shared = { ...upkeep, standing: () => Promise.resolve(handles) }
    const upkept = roles.map(async ({ arn, retired }) => {
      if (unseen || given.has(arn)) await policies.enforce(arn, [], shared)
      // Before anything is minted that could not be taken back, and until it could.
      if (!retired && policies.able(arn) !== true) await policies.tryOut(arn, upkeep.signal)
    })
    const results = await Promise.allSettled(upkept)
    const failed = results.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
    unseen = false
  }
}
