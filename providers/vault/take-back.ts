/** What of a Vault could not be taken back, as far as that has shown: nothing of it is minted. */
import type { Clock } from '../../src/base/clock.ts'
import { refused } from '../../src/provider/answers.ts'
import type { Answer } from './client.ts'
import type { DeclaredPath } from './config.ts'
import { saysInvalid, saysUnknownToken, saysWhy } from './refusal.ts'

/** What revoking takes: `tokens` for all there is, `leases` for secrets besides. */
export type Right = 'tokens' | 'leases'

export interface TakeBack {
  /**
   * Before a token is made, or a secret read at `declared`.
   *
   * @throws ProviderError `rejected` where that could not be taken back as the configuration says
   */
  require(declared: DeclaredPath | undefined): void
  /** How an attempt to use the right was answered. */
  tried(right: Right, answer: Answer): void
  /** Whether the broker has the right, as Vault says. */
  told(right: Right, has: boolean): void
  /** What the engine at `path` makes lives on without its lease. */
  lasts(path: string): void
  /** Whether Vault is to be asked what the broker may do: it has not said, or it may have changed. */
  unsure(): boolean
}

/** Somebody may have mended it meanwhile. Then one more is minted, and shows. */
const rememberedForMs = 10 * 60_000

const objects = { tokens: 'accessor', leases: 'lease' } as const
const refusals = {
  tokens: 'the broker may not revoke tokens by accessor: nothing is minted that could not be taken back',
  leases: 'the broker may not revoke leases: no secret is read that could not be taken back',
}

export function takeBack(clock: Clock): TakeBack {
  const lacking = new Map<Right, number>()
  const lasting = new Map<string, number>()
  let told = false

  const holds = <Key>(known: Map<Key, number>, key: Key) => clock.now() < (known.get(key) ?? -Infinity)
  const lacks = (right: Right) => lacking.set(right, clock.now() + rememberedForMs)
  return {
    require(declared) {
      if (holds(lacking, 'tokens')) throw refused(refusals.tokens)
      if (declared?.revocation !== 'immediate') return
      if (holds(lacking, 'leases')) throw refused(refusals.leases)
      if (holds(lasting, declared.path)) throw refused(outlives(declared.path))
    },
    tried(right, answer) {
      if (answer.status < 300) lacking.delete(right)
      // Of a token that has died it says nothing what its successor may do.
      const refusal = answer.status === 403 && saysWhy(answer) && !saysUnknownToken(answer)
      if (refusal && !saysInvalid(objects[right], answer)) lacks(right)
    },
    told(right, has) {
      told = true
      if (has) lacking.delete(right)
      else lacks(right)
    },
    lasts: (path) => void lasting.set(path, clock.now() + rememberedForMs),
    unsure: () => !told || lacking.size > 0,
  }
}

/** For the caller: what is wrong, and who can mend it how. */
export function outlives(path: string): string {
  return `what the engine makes at ${path} lives on when its lease is revoked, and the configuration says it does not: its path needs \`revocation: expiry\``
}
