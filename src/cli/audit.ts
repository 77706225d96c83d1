import type { Command } from 'commander'
import { registerExport } from './audit/export.ts'
import { registerEvents } from './audit/list.ts'
import { registerShow } from './audit/show.ts'
import { registerVerify } from './audit/verify.ts'

export function register(program: Command): void {
  const group = program
    .command('audit')
    .summary('read and verify the audit record')
    .description('The tamper-evident record of every decision and every change of state.')
  registerEvents(group)
  registerShow(group)
  registerExport(group)
  registerVerify(group)
}
