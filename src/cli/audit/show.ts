import { type Command, InvalidArgumentError } from 'commander'
import type { AuditEvent } from '../../client/client.ts'
import { Failure } from '../failure.ts'
import { answer } from '../print.ts'
import { eventLines } from './describe.ts'
import {
  openSource,
  pagesOf,
  type RecordOptions,
  type RecordSource,
  sourceHelp,
  withSource,
} from './source.ts'

/** One event by its number, or all about what has this id. */
type Wanted = { seq: number } | { task: string } | { lease: string } | { request_id: string }

/** Events that are shown at most: what has more is a list. */
const most = 1000

export function registerShow(group: Command): void {
  withSource(group.command('show'))
    .summary('show all that is on record about one event, task, lease or request')
    .description(
      `Shows one event by its number, or all events about a task, a lease or a request,
the oldest first, with everything that is on record.

${sourceHelp}

With --json the answer is { "items" }.`,
    )
    .argument('<what>', 'the number of an event (seq), or a task_…, lease_… or req_… id', wanted)
    .action(show)
}

async function show(what: Wanted, options: RecordOptions): Promise<void> {
  const source = await openSource(options)
  try {
    const items = await eventsOf(source, what)
    if (items.length === 0)
      throw new Failure('failed', 'nothing is on record about it', 'See `mayfly audit list`.')
    answer(options, { items }, items.flatMap(eventLines))
  } finally {
    await source.close()
  }
}

async function eventsOf(source: RecordSource, what: Wanted): Promise<AuditEvent[]> {
  if ('seq' in what) return [await source.event(what.seq)]
  const items: AuditEvent[] = []
  for await (const page of pagesOf(source, what, 'oldest', most)) items.push(...page.items)
  return items
}

function wanted(written: string): Wanted {
  if (/^[1-9]\d{0,14}$/.test(written)) return { seq: Number(written) }
  const [kind] = written.split('_', 1)
  if (/^\w{1,100}$/.test(written)) {
    if (kind === 'task') return { task: written }
    if (kind === 'lease') return { lease: written }
    if (kind === 'req') return { request_id: written }
  }
  throw new InvalidArgumentError('It is a number, or an id that begins with task_, lease_ or req_.')
}
