/** The counterparts, by the type of the provider whose upstream each stands for: the one place of the sandbox to add another. */
import { aws } from './aws/counterpart.ts'
import { github } from './github/counterpart.ts'
import { vault } from './vault/counterpart.ts'

export const counterparts = { github, aws, vault }

export type Counterparts = typeof counterparts
export type CounterpartType = keyof Counterparts

export const counterpartTypes = Object.keys(counterparts) as CounterpartType[]
