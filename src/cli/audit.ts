import type { Command } from 'commander'
import { registerVerify } from './audit/verify.ts'

export function register(program: Command): void {
  const group = program
    .command('audit')
    .summary('look into the record')
    .description('The tamper-evident record of every decision and every change of state.')
  registerVerify(group)
}
