import type { Command } from 'commander'
import { registerAnswers } from './admin/answer.ts'
import { registerContain } from './admin/contain.ts'
import { registerFind } from './admin/find.ts'
import { registerLift } from './admin/lift.ts'
import { registerLists } from './admin/lists.ts'
import { registerReload } from './admin/reload.ts'
import { registerRevoke } from './admin/revoke.ts'
import { registerSuspend } from './admin/suspend.ts'

export function register(program: Command): void {
  const group = program
    .command('admin')
    .summary('look, approve, contain and revoke, as an admin')
    .description("Calls for humans whose token matches one of the configuration's `admins`.")
  registerLists(group)
  registerFind(group)
  registerAnswers(group)
  registerContain(group)
  registerLift(group)
  registerRevoke(group)
  registerSuspend(group)
  registerReload(group)
}
