import { once } from 'node:events'
import type { Command } from 'commander'
import { jsonLine } from '../print.ts'
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

export function registerExport(group: Command): void {
  withFilters(withSource(group.command('export')))
    .summary('write events of the record as JSON Lines, the oldest first')
    .description(
      `Writes the events that all the filters given mean to stdout, one JSON object a
line, the oldest first, for a SIEM or an archive. Each has its MAC and that of
the event before it, so that \`mayfly audit verify --export FILE\` can tell
whether it is genuine, and whether one is missing. An export that ends with
another exit status than 0 is not complete.

${sourceHelp}`,
    )
    .addHelpText(
      'after',
      `
Example:
  mayfly audit export -c mayfly.yaml --since 2026-12-01T00:00:00Z > december.jsonl
  mayfly audit verify -c mayfly.yaml --export december.jsonl`,
    )
    .action(write)
}

async function write(options: FilterOptions & RecordOptions): Promise<void> {
  const source = await openSource(options)
  try {
    for await (const { items } of pagesOf(source, queryOf(options), 'oldest'))
      for (const item of items) if (!(await written(`${jsonLine(item)}\n`))) return
  } finally {
    await source.close()
  }
}

/** Waits for who reads slowly, so that what they have not read yet is not held here. False once nobody reads any more. */
async function written(text: string): Promise<boolean> {
  const { stdout } = process
  if (stdout.write(text)) return true
  if (!stdout.destroyed) await once(stdout, 'drain').catch(() => undefined)
  return !stdout.destroyed
}
