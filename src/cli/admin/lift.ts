/** `admin lift`. */
import type { Command } from 'commander'
import { connect } from '../options.ts'
import { answer } from '../print.ts'
import { type AdminOptions, adminToken, withAdmin } from './options.ts'
import { selectorText } from './stop.ts'

interface LiftOptions extends AdminOptions {
  reason: string
}

export function registerLift(group: Command): void {
  withAdmin(group.command('lift'))
    .summary('take a fence away')
    .description(
      `Lets in again whomever the fence kept out; what was ended stays so. Nobody
lifts a fence on an agent they own. Needs the right "suspend".`,
    )
    .argument('<fence>', 'its id (`admin fences` lists them)')
    .requiredOption('--reason <text>', 'why; goes on record')
    .action(async (id: string, options: LiftOptions) => {
      const fence = await connect(options).lift(await adminToken(options), id, options.reason)
      answer(options, fence, [`${fence.id} is lifted: it kept out ${selectorText(fence.selector)}`])
    })
}
