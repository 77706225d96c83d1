/** What one Vault offers in one namespace. */
import type { Terms } from '../../src/provider/terms.ts'
import type { VaultConfig } from './config.ts'
import type { VaultDetail } from './detail.ts'
import { shortestLasting } from './lasting.ts'
import { declaredPath, declares, requests, resources } from './requests.ts'

export function terms(config: VaultConfig): Terms<VaultDetail> {
  const { address, namespace } = config
  const revocation = (detail: VaultDetail) =>
    ('path' in detail ? declaredPath(config, detail)?.revocation : undefined) ?? 'immediate'
  return {
    leadsTo: [address, ...(namespace === undefined ? [] : [namespace])].join(' '),
    resources: resources(config),
    serves: (detail) => declares(config, detail),
    requests: (detail) => requests(config, detail),

    covers(outer, inner) {
      if ('path' in outer || 'path' in inner)
        return 'path' in outer && 'path' in inner && inner.path === outer.path
      return inner.policies.every((policy) => outer.policies.includes(policy))
    },

    revocation,
    // A whole second is the least that Vault counts.
    minTtl: (detail) => (revocation(detail) === 'expiry' ? shortestLasting : 1),
  }
}
