import type { Command } from 'commander'
import { registerAccept } from './store/accept.ts'
import { registerBackup } from './store/backup.ts'
import { registerCopy } from './store/copy.ts'
import { registerMigrate } from './store/migrate.ts'

export function register(program: Command): void {
  const group = program
    .command('store')
    .summary('back up, copy, migrate or accept the store')
    .description('What the broker keeps its tasks, leases and record in.')
  registerBackup(group)
  registerCopy(group)
  registerMigrate(group)
  registerAccept(group)
}
