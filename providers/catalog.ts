/** The providers that this broker has: the one place to add another. */
import type { Provider } from '../src/provider/contract.ts'
import { aws } from './aws.ts'
import { github } from './github.ts'
import { vault } from './vault.ts'

export const providers: readonly Provider[] = [github, aws, vault]
