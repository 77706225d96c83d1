/** How the command line writes a scope of each provider: apart from what mints, so that a client need not have that. */
import type { Provider } from '../src/provider/contract.ts'
import { awsDetail } from './aws/detail.ts'
import * as aws from './aws/scope.ts'
import { githubDetail } from './github/detail.ts'
import * as github from './github/scope.ts'
import { vaultDetail } from './vault/detail.ts'
import * as vault from './vault/scope.ts'

export type Shorthand = Pick<Provider, 'type' | 'detail' | 'parseScope' | 'scopeText' | 'scopeExamples'>

export const shorthands: readonly Shorthand[] = [
  { type: 'github', detail: githubDetail, ...github },
  { type: 'aws', detail: awsDetail, ...aws },
  { type: 'vault', detail: vaultDetail, ...vault },
]
