import type { ConnectionContext, Upstream } from '../../src/provider/upstream.ts'
import type { VaultConfig } from './config.ts'
import type { VaultDetail } from './detail.ts'
import { diagnose } from './diagnose.ts'
import { mint } from './mint.ts'
import { probe } from './probe.ts'
import { recover } from './recover.ts'
import { revoke } from './revoke.ts'
import { learnRights } from './rights.ts'
import { vaultAt } from './upstream.ts'

/**
 * One Vault, in one namespace.
 *
 * @throws Error when its token cannot be read, or the environment would have TLS unverified.
 */
export function connect(config: VaultConfig, context: ConnectionContext): Upstream<VaultDetail> {
  const vault = vaultAt(config, context)
  return {
    revokesAtOnce: 1,
    mint: (detail, intent, { signal }) => mint(detail, intent, vault, signal),
    revoke: (handles, { signal }) => Promise.all(handles.map((handle) => revoke(handle, vault, signal))),
    probe: (handle, { signal }) => probe(handle, vault, signal),
    recover: (intent, { signal }) => recover(intent, vault, signal),
    maintain: ({ signal }) => learnRights(vault, signal),
    diagnose: ({ signal }) => diagnose(vault, signal),
  }
}
