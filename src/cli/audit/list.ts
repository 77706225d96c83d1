import type { Command } from 'commander'
import type { AuditEvent } from '../../client/client.ts'
import { tell } from '../failure.ts'
import { howMany } from '../options.ts'
import { answer } from '../print.ts'
import { table } from '../table.ts'
import { eventSummary } from './describe.ts'
import {
  type FilterOptions,
  openSource,
  pagesOf,
  queryOf,
  type RecordOptions,
  sourceHelp,
  withFilters,
  withSource,
} from './source.ts'

interface ListOptions extends FilterOptions, RecordOptions {
  limit: number
}

export function registerEvents(group: Command): void {
  withFilters(withSource(group.command('list')))
    .summary('list events of the record, the newest first')
    .description(
      `Lists the events that all the filters given mean, the newest first.

${sourceHelp}

With --json the answer is { "items" }, each with everything that is on record.`,
    )
    .option('--limit <n>', 'how many at most', howMany, 50)
    .addHelpText(
      'after',
      `
Examples:
  mayfly audit list -c mayfly.yaml --agent refactor-bot --since 2026-12-01T00:00:00Z
  mayfly audit list --url https://mayfly.acme.dev --token-file admin.token --run run_id=123
  mayfly audit list --request req_0123456789abcdef0123456789abcdef`,
    )
    .action(list)
}

async function list(options: ListOptions): Promise<void> {
  const source = await openSource(options)
  try {
    const items: AuditEvent[] = []
    let more = false
    for await (const page of pagesOf(source, queryOf(options), 'newest', options.limit)) {
      items.push(...page.items)
      more = page.next !== null
    }
    const lines = items.length > 0 ? table(Object.keys(columns), rowsOf(items)) : ['no events match']
    answer(options, { items }, lines, { safe: true })
    if (more && !options.json)
      tell(['there may be more: give --limit, or `mayfly audit export` for all of them'])
  } finally {
    await source.close()
  }
}

const columns: Record<string, (event: AuditEvent) => string> = {
  SEQ: (event) => String(event.seq),
  AT: (event) => event.at,
  TYPE: (event) => event.type,
  ACTOR: (event) => event.actor,
  'TASK, LEASE': (event) => event.lease ?? event.task ?? '',
  WHAT: eventSummary,
}

function rowsOf(items: AuditEvent[]): string[][] {
  return items.map((event) => Object.values(columns).map((column) => column(event)))
}
