import type { Clock } from '../../src/clock.ts'
import type { ConnectionContext } from '../../src/provider.ts'
import { vaultClient, type Send } from './client.ts'
import type { VaultConfig } from './config.ts'
import { asMayfly } from './identity.ts'

/** One Vault, and the ways to call it. */
export interface Vault {
  config: VaultConfig
  clock: Clock
  asMayfly: Send
  /** With a token that was made for a lease. */
  as(token: string): Send
}

/** @throws Error when Mayfly's token cannot be read, or the environment would have TLS unverified. */
export function vaultAt(config: VaultConfig, context: ConnectionContext): Vault {
  const as = vaultClient(config, context)
  return { config, clock: context.clock, asMayfly: asMayfly(config, as, context), as }
}
