import type { Connection, ConnectionContext } from '../../src/provider/upstream.ts'
import type { VaultConfig } from './config.ts'
import type { VaultDetail } from './detail.ts'
import { diagnose } from './diagnose.ts'
import { shortestLasting } from './lasting.ts'
import { mint } from './mint.ts'
import { probe } from './probe.ts'
import { recover } from './recover.ts'
import { declaredPath, declares, requests, resources } from './requests.ts'
import { revoke } from './revoke.ts'
import { learnRights } from './rights.ts'
import { vaultAt } from './upstream.ts'

/**
 * One Vault, in one namespace.
 *
 * @throws Error when its token cannot be read, or the environment would have TLS unverified.
 */
export function connect(config: VaultConfig, context: ConnectionContext): Connection<VaultDetail> {
  const { name } = config
  const vault = vaultAt(config, context)
  const revocation = (detail: VaultDetail) =>
    ('path' in detail ? declaredPath(config, detail)?.revocation : undefined) ?? 'immediate'
  return {
    name,
    upstream: [config.address, ...(config.namespace === undefined ? [] : [config.namespace])].join(' '),
    resources: resources(config),
    revokesAtOnce: 1,

    serves: (detail) => (detail.connection ?? name) === name && declares(config, detail),

    revocation,
    // A whole second is the least that Vault counts. The most is its `max_lease_ttl`, which only its answer tells.
    ttl: (detail) => ({ min: revocation(detail) === 'expiry' ? shortestLasting : 1, max: Infinity }),
    requests: (detail) => requests(config, detail),

    covers(outer, inner) {
      if ((inner.connection ?? name) !== (outer.connection ?? name)) return false
      if ('path' in outer || 'path' in inner)
        return 'path' in outer && 'path' in inner && inner.path === outer.path
      return inner.policies.every((policy) => outer.policies.includes(policy))
    },

    mint: (detail, intent, { signal }) => mint(detail, intent, vault, signal),
    revoke: (handles, { signal }) => Promise.all(handles.map((handle) => revoke(handle, vault, signal))),
    probe: (handle, { signal }) => probe(handle, vault, signal),
    recover: (intent, { signal }) => recover(intent, vault, signal),
    maintain: ({ signal }) => learnRights(vault, signal),
    diagnose: ({ signal }) => diagnose(vault, signal),
  }
}
