/** What Vault says that the broker may do. */
import { z } from 'zod'
import { garbage } from '../../src/provider/answers.ts'
import { ProviderError } from '../../src/provider/failure.ts'
import type { VaultConfig } from './config.ts'
import { refusal, unserved } from './refusal.ts'
import type { Right } from './take-back.ts'
import type { Vault } from './upstream.ts'

const answered = z.object({ data: z.record(z.string(), z.array(z.string())) })
const meanings = { 403: "the broker's token is not accepted, or may not ask what it may do" }
/** To the root token alone Vault names no capability but `root`. */
const suffices = new Set(['update', 'root'])

/**
 * Those of `paths` that the broker may not update, or undefined where this Vault
 * does not tell ("/sys/capabilities-self").
 *
 * @throws ProviderError
 */
export async function lacking(
  paths: readonly string[],
  { asBroker }: Pick<Vault, 'asBroker'>,
  signal: AbortSignal,
): Promise<string[] | undefined> {
  const answer = await asBroker('write', 'sys/capabilities-self', { body: { paths }, signal, acts: false })
  if (unserved(answer)) return undefined
  if (answer.status !== 200) throw refusal(answer, meanings, false)
  const parsed = answered.safeParse(answer.body)
  if (!parsed.success) throw garbage('Vault', false)
  const capabilities = parsed.data.data
  return paths.filter((path) => !capabilities[path]?.some((each) => suffices.has(each)))
}

/** Where each right is exercised. */
export const pathOf = {
  tokens: 'auth/token/revoke-accessor',
  leases: 'sys/leases/revoke',
} as const satisfies Record<Right, string>

/** What taking back everything that the configuration declares needs. */
export function rightsFor({ paths }: VaultConfig): Right[] {
  return paths.some(({ revocation }) => revocation === 'immediate') ? ['tokens', 'leases'] : ['tokens']
}

/**
 * Asks whether the broker may take back what it would mint, unless it is known.
 * Where Vault does not tell, the first revocation shows it.
 *
 * @throws ProviderError `unavailable`
 */
export async function learnRights(vault: Vault, signal: AbortSignal): Promise<void> {
  const { takeBack, config } = vault
  if (!takeBack.unsure()) return
  const needed = rightsFor(config)
  try {
    const missing = await lacking(
      needed.map((right) => pathOf[right]),
      vault,
      signal,
    )
    if (missing) for (const right of needed) takeBack.told(right, !missing.includes(pathOf[right]))
  } catch (error) {
    if (!(error instanceof ProviderError && error.kind === 'rejected')) throw error
  }
}
