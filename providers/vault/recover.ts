import { z } from 'zod'
import { garbage, passing, refused } from '../../src/provider/answers.ts'
import { ProviderError } from '../../src/provider/failure.ts'
import { mintingTimeMs, type Intent, type Recovery } from '../../src/provider/upstream.ts'
import type { VaultDetail } from './detail.ts'
import { lifeAsked } from './lasting.ts'
import { refusal, saysInvalid } from './refusal.ts'
import { declaredPath } from './requests.ts'
import { makeSure } from './revoke.ts'
import type { Vault } from './upstream.ts'

/** Vault finds a token by its accessor alone, so each has to be looked at: so many at once, and no more in all. */
const abreast = 8
const mostTokens = 5_000

/**
 * Finds the token that a mint made without anyone seeing its answer, by the
 * lease that its metadata names, and ends it. Where the broker may not look through
 * Vault's tokens, what is certain is the end that the token was made with.
 *
 * @throws ProviderError `unavailable` while Vault does not answer, or may still be making the token
 */
export async function recover(
  intent: Intent<VaultDetail>,
  vault: Vault,
  signal: AbortSignal,
): Promise<Recovery> {
  const { leaseId, detail, createdAt, deadline } = intent
  const expires = 'path' in detail && declaredPath(vault.config, detail)?.revocation === 'expiry'
  const end = expires ? Math.max(deadline, createdAt + lifeAsked(intent, createdAt) * 1000) : deadline
  const lasting: Recovery = { gone: false, liveUntil: end + mintingTimeMs }
  const now = vault.clock.now()
  if (now >= lasting.liveUntil) return lasting
  try {
    const accessor = await find(leaseId, vault, signal)
    if (accessor !== undefined) await makeSure({ accessor, mintedAt: createdAt }, vault, signal)
    else if (now < createdAt + mintingTimeMs)
      throw passing('it is too early to tell whether Vault made a token')
  } catch (error) {
    if (error instanceof ProviderError && error.kind === 'rejected') return lasting
    throw error
  }
  // What the token read ends with it, but in Vault's own queue: without the lease's id nobody can see when.
  return 'path' in detail ? lasting : { gone: true }
}

const listed = z.object({ data: z.object({ keys: z.array(z.string()) }) })
const looked = z.object({
  data: z.object({ accessor: z.string().nullish(), meta: z.record(z.string(), z.unknown()).nullish() }),
})

/** The accessor of the lease's token, if there is one. @throws ProviderError `rejected` where the broker may not look, or not at so many */
async function find(leaseId: string, { asBroker }: Vault, signal: AbortSignal): Promise<string | undefined> {
  const answer = await asBroker('list', 'auth/token/accessors', { signal, acts: false })
  if (answer.status !== 200) throw refusal(answer, {}, false)
  const parsed = listed.safeParse(answer.body)
  if (!parsed.success) throw garbage('Vault', false)
  const { keys } = parsed.data.data
  if (keys.length > mostTokens) throw refused('Vault has too many tokens to look through')

  const leaseOf = async (accessor: string): Promise<unknown> => {
    const path = 'auth/token/lookup-accessor'
    const token = await asBroker('write', path, { body: { accessor }, signal, acts: false })
    // It ended since it was listed.
    if (saysInvalid('accessor', token)) return undefined
    if (token.status !== 200) throw refusal(token, {}, false)
    const shown = looked.safeParse(token.body).data?.data
    // Somebody's page, or the answer about another token, would hide this one.
    if (!shown || (shown.accessor ?? accessor) !== accessor) throw garbage('Vault', false)
    return shown.meta?.['lease']
  }
  let found: string | undefined
  const queue = keys.values()
  const look = async () => {
    for (const accessor of queue) {
      if (found !== undefined) return
      if ((await leaseOf(accessor)) === leaseId) found = accessor
    }
  }
  await Promise.all(Array.from({ length: abreast }, look))
  return found
}
