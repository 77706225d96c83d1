import type { Command } from 'commander'
import { connect } from '../options.ts'
import { answer } from '../print.ts'
import { type AdminOptions, adminToken, withAdmin } from './options.ts'

export function registerReload(group: Command): void {
  withAdmin(group.command('reload'))
    .summary('have the broker read its configuration again')
    .description(
      `Puts the configuration in force as it is on the broker's disk now, and ends
every task that it would no longer allow. One with faults is refused, and the
old one stays. A renewed certificate is served from then on; what cannot change
while the broker runs is told, and keeps nothing else back. Needs the right
"suspend".`,
    )
    .action(async (options: AdminOptions) => {
      const reloaded = await connect(options).reload(await adminToken(options))
      const warnings = reloaded.warnings.map((text) => `warning: ${text}`)
      answer(options, reloaded, ['the new configuration is in force', ...warnings])
    })
}
