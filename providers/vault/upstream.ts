import type { Clock } from '../../src/base/clock.ts'
import type { Doubt } from '../../src/provider/lag.ts'
import type { ConnectionContext } from '../../src/provider/upstream.ts'
import { tokenDoubt } from './behind.ts'
import { vaultClient, type Send } from './client.ts'
import type { VaultConfig } from './config.ts'
import { asBroker } from './identity.ts'
import { takeBack, type TakeBack } from './take-back.ts'

/** One Vault, and the ways to call it. */
export interface Vault {
  config: VaultConfig
  clock: Clock
  asBroker: Send
  /** With a token that was made for a lease. */
  as(token: string): Send
  takeBack: TakeBack
  doubt: Doubt
}

/** @throws Error when the broker's token cannot be read, or the environment would have TLS unverified. */
export function vaultAt(config: VaultConfig, context: ConnectionContext): Vault {
  const as = vaultClient(config, context)
  const { clock } = context
  return {
    config,
    clock,
    asBroker: asBroker(config, as, context),
    as,
    takeBack: takeBack(clock),
    doubt: tokenDoubt(clock),
  }
}
