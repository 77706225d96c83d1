import { z } from 'zod'
import { withinLimit } from '../../src/clock.ts'
import { ProviderError, type Intent, type Minted } from '../../src/provider.ts'
import { createChild, endOf, type Child } from './child.ts'
import type { Answer } from './client.ts'
import type { VaultDetail } from './detail.ts'
import { garbage, refusal, saysWhy } from './refusal.ts'
import { declares } from './requests.ts'
import { revoke } from './revoke.ts'
import type { Vault } from './upstream.ts'

/**
 * Mints one token for one lease, or reads one dynamic secret with such a token.
 *
 * @throws ProviderError
 */
export async function mint(
  detail: VaultDetail,
  intent: Intent<VaultDetail>,
  vault: Vault,
  signal: AbortSignal,
): Promise<Minted> {
  const { config } = vault
  // SAFEGUARD, whatever earlier code did: only what is declared has certainly been checked, and a path
  // that has not would reach whatever it spells.
  if (!declares(config, detail))
    throw new ProviderError('rejected', 'the authorization detail is not one that may be sent to Vault')

  const policies =
    'path' in detail ? config.paths.find(({ path }) => path === detail.path)!.policies : detail.policies
  const child = await createChild(policies, intent, vault, signal)
  if (child.wider !== undefined) return { credential: {}, ...known(child), wider: child.wider }
  if ('path' in detail) return await readSecret(detail.path, child, vault, signal)
  const { token } = child
  return { credential: { token, address: config.address }, accessToken: token, ...known(child) }
}

/** The broker's side of what was minted. Vault's audit log names a token by its accessor, also when it reads. */
function known({ accessor, expiresAt }: Child) {
  return { expiresAt, handle: { accessor }, fingerprint: accessor }
}

const answered = z.object({
  lease_id: z.string().max(1024).nullish(),
  lease_duration: z.int().nonnegative().nullish(),
  data: z.record(z.string(), z.unknown()).nullable(),
})

async function readSecret(path: string, child: Child, vault: Vault, signal: AbortSignal): Promise<Minted> {
  const { lease_id: lease, lease_duration: life, data } = await read(path, child, vault, signal)
  const { accessor, expiresAt } = child
  const base = { ...known(child), handle: lease ? { accessor, lease } : { accessor } }
  // A secret without a lease lives on whatever becomes of the token: it is not ephemeral, and not given out.
  if (!lease || data === null)
    return {
      credential: {},
      ...base,
      wider: `what Vault keeps at ${path} has no lease and would outlive the task`,
    }
  // It ends with its lease, if that says when, or with the token that read it, whichever ends first.
  return { credential: { data }, ...base, expiresAt: Math.min(expiresAt, endOf(life ?? 0, vault.clock)) }
}

/** Where nothing comes of the reading, the token that was made for it goes. */
async function read(path: string, child: Child, vault: Vault, signal: AbortSignal) {
  try {
    const answer = await vault.as(child.token)('read', path, { signal, acts: true })
    if (answer.status !== 200) throw readRefusal(answer)
    const parsed = answered.safeParse(answer.body)
    if (!parsed.success) throw garbage(true)
    return parsed.data
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error
    const { kind, message, retryAfter, maybeDone } = error
    const gone = await tidyUp(child, vault)
    throw new ProviderError(kind, message, { retryAfter, maybeDone: maybeDone || !gone })
  }
}

const meanings = {
  400: 'it cannot make a secret from this path',
  403: 'the policies declared for this path do not let it be read',
  404: 'there is nothing at this path',
}

/**
 * A failure that Vault itself reports has left nothing but the token, unlike one
 * of a proxy before it, behind which the reading may go on.
 */
function readRefusal(answer: Answer): ProviderError {
  return refusal(answer, meanings, !saysWhy(answer))
}

/** A time of its own: the caller's may be over. */
const tidyLimitMs = 5_000

async function tidyUp({ accessor }: Child, vault: Vault): Promise<boolean> {
  const outcome = await withinLimit(vault.clock, tidyLimitMs, (signal) => revoke({ accessor }, vault, signal))
  return outcome.done
}
