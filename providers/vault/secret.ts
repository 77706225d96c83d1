/** Secrets that Vault makes when they are read, each with the token of a lease of ours. */
import { z } from 'zod'
import { withinLimit, type Clock } from '../../src/base/clock.ts'
import { garbage } from '../../src/provider/answers.ts'
import { ProviderError } from '../../src/provider/failure.ts'
import type { Intent, Minted } from '../../src/provider/upstream.ts'
import { untilHeard } from './behind.ts'
import { endOf, known, type Child } from './child.ts'
import type { Answer } from './client.ts'
import type { DeclaredPath } from './config.ts'
import type { VaultDetail } from './detail.ts'
import type { VaultHandle } from './handle.ts'
import { lastsAnyway, lifeAsked } from './lasting.ts'
import { refusal, saysUnknownToken, saysWhy } from './refusal.ts'
import { makeSure } from './revoke.ts'
import { outlives } from './take-back.ts'
import type { Vault } from './upstream.ts'

const answered = z.object({
  lease_id: z.string().max(1024).nullish(),
  lease_duration: z.int().nonnegative().nullish(),
  renewable: z.boolean().nullish(),
  data: z.record(z.string(), z.unknown()).nullable(),
})

/** What a reading is made with. */
interface Reading {
  /** With whose token. */
  child: Child
  intent: Intent<VaultDetail>
  vault: Vault
}

/** @throws ProviderError */
export async function readSecret(
  declared: DeclaredPath,
  reading: Reading,
  signal: AbortSignal,
): Promise<Minted> {
  const { path, revocation } = declared
  const { child, intent, vault } = reading
  const { lease_id: lease, lease_duration: life, renewable, data } = await read(declared, reading, signal)
  const base = known(child)
  // A secret without a lease lives on whatever becomes of the token: it is not ephemeral, and not given out.
  if (!lease || data === null)
    return {
      credential: {},
      ...base,
      wider: `what Vault keeps at ${path} has no lease and would outlive the task`,
    }
  const handle = { ...base.handle, lease } satisfies VaultHandle
  const endsAt = endOf(life ?? 0, vault.clock)
  const lasting = {
    ...base,
    expiresAt: endsAt,
    handle: { ...handle, lastsUntil: endsAt } satisfies VaultHandle,
  }
  if (revocation === 'expiry') {
    if (life) return { credential: { data }, ...lasting }
    return { credential: {}, ...base, handle, wider: `Vault does not say when what it made at ${path} ends` }
  }
  if (lastsAnyway({ data, renewable, endsAt }, intent.deadline)) {
    vault.takeBack.lasts(path)
    return { credential: {}, ...lasting, wider: outlives(path) }
  }
  // It ends with its lease, if that says when, or with the token that read it, whichever ends first.
  return { credential: { data }, ...base, handle, expiresAt: Math.min(base.expiresAt, endsAt) }
}

/** Where nothing comes of the reading, the token that was made for it goes. */
async function read(declared: DeclaredPath, { child, intent, vault }: Reading, signal: AbortSignal) {
  const { clock } = vault
  try {
    const answer = await untilHeard({ clock, behind: saysUnknownToken }, () =>
      vault.as(child.token)('read', addressOf(declared, intent, clock), { signal, acts: true }),
    )
    if (answer.status !== 200) throw readRefusal(answer)
    const parsed = answered.safeParse(answer.body)
    if (!parsed.success) throw garbage('Vault', true)
    return parsed.data
  } catch (error) {
    if (!(error instanceof ProviderError)) throw error
    const { kind, message, retryAfter, maybeDone } = error
    const gone = await tidyUp(child, vault)
    throw new ProviderError(kind, message, { retryAfter, maybeDone: maybeDone || !gone })
  }
}

/**
 * What nothing but its own end ends is asked for no longer than it has to be
 * (invariant I3). AWS's engine heeds that; others know no such parameter, and leave it.
 */
function addressOf({ path, revocation }: DeclaredPath, intent: Intent<VaultDetail>, clock: Clock): string {
  return revocation === 'expiry' ? `${path}?ttl=${lifeAsked(intent, clock.now())}s` : path
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

async function tidyUp(child: Child, vault: Vault): Promise<boolean> {
  const { handle } = known(child)
  try {
    await withinLimit(vault.clock, tidyLimitMs, (signal) => makeSure(handle, vault, signal))
    return true
  } catch (error) {
    if (error instanceof ProviderError) return false
    throw error
  }
}
