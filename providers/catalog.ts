/** The providers that this broker has: the one place to add another. */
import type { Provider } from '../src/provider.ts'
import { github } from './github.ts'

export const providers: readonly Provider[] = [github]
