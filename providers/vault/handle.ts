import { z } from 'zod'
import type { Clock } from '../../src/base/clock.ts'
import { refused } from '../../src/provider/answers.ts'
import type { Handle } from '../../src/provider/upstream.ts'

/** A token or an accessor, opaque. A token goes into a header, so nothing in it may end that header. */
export const tokenText = z.string().regex(/^[\x21-\x7e]{1,8192}$/)

const known = z.object({
  accessor: tokenText,
  lease: z.string().min(1).max(1024).exactOptional(),
  lastsUntil: z.number().exactOptional(),
  mintedAt: z.number().exactOptional(),
})

/**
 * What revocation and probing need: the accessor of the token that was made and
 * when that was; the id of the lease that it read, if it read one; and until when
 * what it read works whatever becomes of that lease, if it does. Milliseconds since 1970.
 */
export type VaultHandle = z.infer<typeof known>

/** Whether what was read works still, whatever became of its lease. */
export function livesOn({ lastsUntil = -Infinity }: VaultHandle, clock: Clock): boolean {
  return clock.now() < lastsUntil
}

/** @throws ProviderError `rejected` for a handle that no mint gave out. */
export function handleOf(handle: Handle): VaultHandle {
  const parsed = known.safeParse(handle)
  if (!parsed.success) throw refused('the stored handle holds no accessor')
  return parsed.data
}
