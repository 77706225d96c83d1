/** What an `Idempotency-Key` does: a request that is sent again resumes what the first one began. */
import { canonicalize } from '../base/canonical.ts'
import type { Stored } from '../base/damage.ts'
import { BrokerError } from '../base/errors.ts'
import { sha256 } from '../base/sha256.ts'
import type { Tx } from '../base/unit.ts'

/** How long after its task's deadline a key is remembered, in milliseconds. */
export const rememberedForMs = 3_600_000

/** A key as one caller uses it for one request. */
export interface IdempotencyKey {
  /** SHA-256, hex, of who uses it and the key: another's key of the same name is another key. */
  key: string
  /** SHA-256, hex, of what is asked. */
  digest: string
}

/** What an `Idempotency-Key` stands for. */
export interface Remembered {
  /** SHA-256, hex, of whose key it is and the key. */
  key: string
  /** SHA-256, hex, of the request. */
  digest: string
  task: string
  /** The lease minted last under the key. */
  lease: string | null
  /** Milliseconds since 1970. */
  until: number
}

/** Of a row that is damaged nothing holds: it may stand for somebody else's task. */
export type StoredRemembered = Stored<Remembered, never>

export interface IdempotencyStore {
  get(tx: Tx, key: string): Promise<StoredRemembered | undefined>
  put(tx: Tx, remembered: Remembered): Promise<void>
  /** Forgets what was to be kept until before then, some hundreds at most. Returns how many: none where there are no more. */
  forget(tx: Tx, before: number): Promise<number>
}

/** `owner` is what no other caller has: what identifies its token and its subject, or its task. */
export function idempotencyKey(owner: readonly string[], written: string, request: unknown): IdempotencyKey {
  return {
    key: sha256(JSON.stringify([owner, written])),
    digest: sha256(canonicalize(request)),
  }
}

/**
 * What was done under the key, if anything.
 *
 * @throws BrokerError `conflict` when it was something else; `unavailable` when there is no telling.
 */
export async function recall(
  store: IdempotencyStore,
  tx: Tx,
  { key, digest }: IdempotencyKey,
): Promise<Remembered | undefined> {
  const remembered = await store.get(tx, key)
  if (remembered && 'damaged' in remembered)
    throw new BrokerError('unavailable', 'what was done under this Idempotency-Key is no longer known')
  if (remembered && remembered.digest !== digest)
    throw new BrokerError('conflict', 'this Idempotency-Key was used for another request')
  return remembered
}
