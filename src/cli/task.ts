import type { Command } from 'commander'
import { registerComplete } from './task/complete.ts'
import { registerDelegate } from './task/delegate.ts'
import { registerHeartbeat } from './task/heartbeat.ts'
import { registerOpen } from './task/open.ts'
import { registerShow } from './task/show.ts'
import { registerWait } from './task/wait.ts'

export function register(program: Command): void {
  const group = program
    .command('task')
    .summary('open, show, wait for, delegate and complete tasks')
    .description('A task is one unit of work. Every credential belongs to one, and dies with it.')
  registerOpen(group)
  registerShow(group)
  registerWait(group)
  registerDelegate(group)
  registerHeartbeat(group)
  registerComplete(group)
}
