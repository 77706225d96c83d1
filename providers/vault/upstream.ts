import type { Clock } from '../../src/clock.ts'
import type { ConnectionContext } from '../../src/provider.ts'
import { vaultClient, type Send } from './client.ts'
import type { VaultConfig } from './config.ts'
import { asBroker } from './identity.ts'

/** One Vault, and the ways to call it. */
export interface Vault {
  config: VaultConfig
  clock: Clock
  asBroker: Send
  /** With a token that was made for a lease. */
  as(token: string): Send
}

/** @throws Error when the broker's token cannot be read, or the environment would have TLS unverified. */
export function vaultAt(config: VaultConfig, context: ConnectionContext): Vault {
  const as = vaultClient(config, context)
  return { config, clock: context.clock, asBroker: asBroker(config, as, context), as }
}
