import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { readConfiguration } from '../configuration.ts'
import { Failure } from '../failure.ts'
import { withConfiguration, withJson } from '../options.ts'
import { answer, count } from '../print.ts'

export function registerCopy(group: Command): void {
  withJson(withConfiguration(group.command('copy')))
    .summary('bring a SQLite store into the PostgreSQL database of the configuration')
    .description(
      `Copies the SQLite store in FILE into the PostgreSQL database that \`store\` of the
configuration names, and which must be empty. Every row and the whole record are
taken as they are; FILE is verified before, and the database after, as
\`mayfly audit verify\` does.

No broker may be running on either. FILE stays as it is: put it away, for from
then on it is an earlier state.

The exit status is 1 when FILE is not intact, or cannot be copied; nothing is
left in the database then. With --json the answer is { "events", "head" }.`,
    )
    .argument('<file>', 'the SQLite store, as mayfly.db')
    .action(copy)
}

async function copy(path: string, options: { config: string; json?: boolean }): Promise<void> {
  const [{ copyStore }, { createSeal }, { StoreInUse }, { verifyStore }] = await Promise.all([
    import('../../store/copy.ts'),
    import('../../base/seal.ts'),
    import('../../store/address.ts'),
    import('../audit/verify-store.ts'),
  ])
  const { configuration } = await readConfiguration(options.config)
  const { store, file, sealKeys } = configuration
  const from = resolve(path)
  if (!existsSync(from))
    throw new Failure('failed', `${from} does not exist`, 'Name the SQLite store to copy.')
  if (store.kind !== 'postgres')
    throw new Failure(
      'failed',
      `\`store\` in ${file} is not a PostgreSQL database`,
      'Name the database to copy to there, as `store: { env: DATABASE_URL }`.',
    )
  const source = { ...configuration, store: { kind: 'sqlite', path: from } as const }
  const before = await verifyStore(source).catch((error: unknown) => {
    if (!(error instanceof Failure)) throw error
    throw new Failure(
      error.code,
      error.message,
      'Name as FILE the SQLite store that a broker of this version has used, with its log (`-wal`) beside it if it has one.',
    )
  })
  if (before.otherKey) throw before.otherKey
  const [first] = before.discrepancies
  if (first)
    throw new Failure(
      'not_intact',
      `${from} is not intact: ${first.message}`,
      'Run `mayfly audit verify` on it, and `mayfly store accept` if it is to be kept as it stands. A head that was kept outside it may be that of another store: name its own file under `audit.last_head` then.',
    )
  await copyStore(from, store, createSeal(sealKeys)).catch((error: unknown) => {
    if (error instanceof StoreInUse) throw new Failure('failed', error.message, 'Stop that broker first.')
    const why = error instanceof Error ? error.message : 'unknown error'
    throw new Failure(
      'failed',
      `nothing was copied: ${why}`,
      `Check \`store\` in ${file}, and the database, which must be empty.`,
    )
  })
  const { events, head, discrepancies } = await verifyStore(configuration, before.head)
  const [fault] = discrepancies
  if (fault)
    throw new Failure('not_intact', `the copy is not intact: ${fault.message}`, 'Drop it, and copy again.')
  const at = `${head.seq}:${head.mac}`
  answer(options, { events, head: at }, [`copied: ${count(events, 'event')}, intact, head ${at}`])
}
