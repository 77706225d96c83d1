import { refused } from '../../src/provider/answers.ts'
import type { Intent, Minted } from '../../src/provider/upstream.ts'
import { createChild, known } from './child.ts'
import type { VaultDetail } from './detail.ts'
import { declaredPath, declares } from './requests.ts'
import { readSecret } from './secret.ts'
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
  const { config, takeBack } = vault
  // SAFEGUARD, whatever earlier code did: only what is declared has certainly been checked, and a path
  // that has not would reach whatever it spells.
  if (!declares(config, detail))
    throw refused('the authorization detail is not one that may be sent to Vault')

  const source = 'path' in detail ? declaredPath(config, detail)! : detail
  takeBack.require('path' in source ? source : undefined)
  const child = await createChild(source.policies, intent, vault, signal)
  if (child.wider !== undefined) return { credential: {}, ...known(child), wider: child.wider }
  if ('path' in source) return await readSecret(source, { child, intent, vault }, signal)
  const { token } = child
  const { address, namespace } = config
  const credential = { token, address, ...(namespace !== undefined && { namespace }) }
  return { credential, accessToken: token, ...known(child) }
}
