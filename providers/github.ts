/** GitHub App installation tokens: one per lease, limited to the repositories and permissions of its detail. */
import type { Provider } from '../src/provider/contract.ts'
import { cedar, entityFault, parentsOf } from './github/cedar.ts'
import { githubConfig, type GithubConfig } from './github/config.ts'
import { githubDetail, type GithubDetail } from './github/detail.ts'
import { parseScope, scopeExamples, scopeText } from './github/scope.ts'
import { starter } from './github/starter.ts'
import { terms } from './github/terms.ts'
import { workloads } from './github/workloads.ts'

export const github: Provider<GithubConfig, GithubDetail> = {
  type: 'github',
  config: githubConfig,
  detail: githubDetail,
  cedar,
  entityFault,
  parentsOf,
  workloads,
  parseScope,
  scopeText,
  scopeExamples,
  starter,
  terms,
  // Loaded for those who connect alone: its client takes longer to load than most commands to run.
  connect: async (config, context) => (await import('./github/connect.ts')).connect(config, context),
}
