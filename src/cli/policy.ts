import type { Command } from 'commander'
import { registerChains } from './policy/chains.ts'
import { registerCheck } from './policy/check.ts'
import { registerExplain } from './policy/explain.ts'

export function register(program: Command): void {
  const group = program
    .command('policy')
    .summary('explain and check what policy decides')
    .description(
      `For authors of policies. Works on a configuration alone, without a running
broker and without its secrets.`,
    )
  registerExplain(group)
  registerCheck(group)
  registerChains(group)
}
