/** Vault and OpenBao: dynamic secrets and tokens, each behind an orphan token of its own that lives no longer than the task. */
import type { Provider } from '../src/provider/contract.ts'
import { cedar, entityFault, parentsOf } from './vault/cedar.ts'
import { vaultConfig, type VaultConfig } from './vault/config.ts'
import { vaultDetail, type VaultDetail } from './vault/detail.ts'
import { parseScope, scopeExamples, scopeText } from './vault/scope.ts'
import { starter } from './vault/starter.ts'
import { terms } from './vault/terms.ts'

export const vault: Provider<VaultConfig, VaultDetail> = {
  type: 'vault',
  config: vaultConfig,
  detail: vaultDetail,
  cedar,
  entityFault,
  parentsOf,
  parseScope,
  scopeText,
  scopeExamples,
  starter,
  terms,
  // Loaded for those who connect alone: its client takes longer to load than most commands to run.
  connect: async (config, context) => (await import('./vault/connect.ts')).connect(config, context),
}
