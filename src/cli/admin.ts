import type { Command } from 'commander'
import { registerRevoke } from './admin/revoke.ts'

export function register(program: Command): void {
  const group = program
    .command('admin')
    .summary('what an admin does')
    .description("Calls for humans whose token matches one of the configuration's `admins`.")
  registerRevoke(group)
}
