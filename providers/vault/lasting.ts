/** Secrets that work until their own end, whatever becomes of their lease (docs/decisions/0016). */
import type { Intent } from '../../src/provider/upstream.ts'

/** Seconds. The shortest session of AWS, whose engine is the one that such secrets come from (STS API reference, AssumeRole). */
export const shortestLasting = 900

/** The seconds that such a secret is asked for: what is left of the task, as far as AWS makes it so short. */
export function lifeAsked({ deadline }: Pick<Intent<unknown>, 'deadline'>, now: number): number {
  return Math.max(shortestLasting, Math.ceil((deadline - now) / 1000))
}

/** What a reading shows of how its secret ends. Milliseconds since 1970. */
interface Shown {
  data: Record<string, unknown>
  renewable: boolean | null | undefined
  endsAt: number
}

/**
 * Whether a secret is one that no revocation ends, though a lease stands for it. The
 * session token of AWS's STS says so for certain (`secretAccessKeysRevoke` returns at
 * once). So does, well enough, that nobody could have renewed the lease, and that it
 * was made for longer than the task: engines that take back what they make let it be
 * renewed, unlike leases on key-value secrets.
 */
export function lastsAnyway({ data, renewable, endsAt }: Shown, deadline: number): boolean {
  const session = ['security_token', 'session_token'].some(
    (name) => typeof data[name] === 'string' && data[name] !== '',
  )
  return session || (renewable === false && endsAt > deadline)
}
