/** One list of an admin's: filtered, in pages, as a table or as JSON. */
import { type Command, Option } from 'commander'
import type { Lists } from '../../client/client.ts'
import { largestPage } from '../../base/page.ts'
import { tell } from '../failure.ts'
import { connect, howMany } from '../options.ts'
import { answer } from '../print.ts'
import { table } from '../table.ts'
import { type AdminOptions, adminToken, withAdmin } from './options.ts'

type Filter<Kind extends keyof Lists> = Exclude<keyof Lists[Kind]['query'] & string, 'limit' | 'cursor'>

/** How a list is asked for and shown. */
export interface Listing<Kind extends keyof Lists> {
  kind: Kind
  summary: string
  /** What each filter means; one with several values may have only those. */
  filters: Record<Filter<Kind>, string | readonly string[]>
  columns: Record<string, (item: Lists[Kind]['item']) => string>
}

interface ListOptions extends AdminOptions {
  limit: number
  all?: boolean
  cursor?: string
}

export function registerList<Kind extends keyof Lists>(group: Command, listing: Listing<Kind>): void {
  const { kind, summary, filters } = listing
  const command = withAdmin(group.command(kind))
    .summary(summary)
    .description(
      `Lists the ${kind} that all the filters given mean${kind === 'agents' ? ', by name' : ', the newest first'}.
Needs the right "read".

With --json the answer is { "items", "next" }; "next" is the --cursor of what
follows, or null.`,
    )
  for (const [name, meaning] of Object.entries<string | readonly string[]>(filters))
    command.addOption(
      typeof meaning === 'string'
        ? new Option(`--${name} <${name}>`, meaning)
        : new Option(`--${name} <${name}>`, `only those that are so`).choices(meaning),
    )
  command
    .option('--limit <n>', 'how many at most', howMany, 50)
    .addOption(new Option('--all', 'all of them').conflicts('limit'))
    .option('--cursor <cursor>', 'where to go on: "next" of the answer before')
    .action((options: ListOptions) => list(listing, options))
}

async function list<Kind extends keyof Lists>(listing: Listing<Kind>, options: ListOptions): Promise<void> {
  const { kind, filters, columns } = listing
  const given = options as unknown as Record<string, string | undefined>
  const filter = Object.fromEntries(Object.keys(filters).map((name) => [name, given[name]]))
  const { items, next } = await gather(kind, filter, options)
  const rows = items.map((item) => Object.values(columns).map((column) => column(item)))
  const lines = rows.length > 0 ? table(Object.keys(columns), rows) : [`no ${kind} match`]
  answer(options, { items, next }, lines, { safe: true })
  if (next !== null && !options.json) tell([`there are more: give --all, or --cursor ${next}`])
}

async function gather<Kind extends keyof Lists>(
  kind: Kind,
  filter: Record<string, string | undefined>,
  options: ListOptions,
): Promise<{ items: Lists[Kind]['item'][]; next: string | null }> {
  const client = connect(options)
  const identity = await adminToken(options)
  const most = options.all ? Infinity : options.limit
  const items: Lists[Kind]['item'][] = []
  let { cursor } = options
  for (;;) {
    const limit = String(Math.min(largestPage, most - items.length))
    const query: Lists[Kind]['query'] = { ...filter, limit, cursor }
    const page = await client.list(identity, kind, query)
    items.push(...page.items)
    if (page.next === null || items.length >= most) return { items, next: page.next }
    cursor = page.next
  }
}
