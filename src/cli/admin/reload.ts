import type { Command } from 'commander'
import { connect } from '../options.ts'
import { answer } from '../print.ts'
import { type AdminOptions, adminToken, withAdmin } from './options.ts'

export function registerReload(group: Command): void {
  withAdmin(group.command('reload'))
    .summary('have the broker read its configuration again')
    .description(
      `Puts the configuration in force as it is on the broker's disk now, and ends every
task that it would no longer allow. One with faults is refused, and the old one
stays. Needs the right "suspend".`,
    )
    .action(async (options: AdminOptions) => {
      await connect(options).reload(await adminToken(options))
      answer(options, { status: 'reloaded' }, ['the new configuration is in force'])
    })
}
