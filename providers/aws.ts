/** AWS sessions: one `AssumeRole` per lease, narrowed by a session policy, and denied by name when its task ends. */
import type { Provider } from '../src/provider/contract.ts'
import { cedar, entityFault, patterns } from './aws/cedar.ts'
import { awsConfig, type AwsConfig } from './aws/config.ts'
import { awsDetail, type AwsDetail } from './aws/detail.ts'
import { parseScope, scopeExamples, scopeText } from './aws/scope.ts'
import { starter } from './aws/starter.ts'
import { terms } from './aws/terms.ts'

export const aws: Provider<AwsConfig, AwsDetail> = {
  type: 'aws',
  config: awsConfig,
  detail: awsDetail,
  cedar,
  patterns,
  entityFault,
  parseScope,
  scopeText,
  scopeExamples,
  starter,
  terms,
  // Loaded for those who connect alone: its client takes longer to load than most commands to run.
  connect: async (config, context) => (await import('./aws/connect.ts')).connect(config, context),
}
