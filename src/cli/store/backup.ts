import { randomUUID } from 'node:crypto'
import { closeSync, existsSync, linkSync, openSync, renameSync, rmSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { readConfiguration } from '../configuration.ts'
import { Failure } from '../failure.ts'
import { withConfiguration, withJson } from '../options.ts'
import { answer, count } from '../print.ts'
import { requireStore } from '../require-store.ts'

export function registerBackup(group: Command): void {
  withJson(withConfiguration(group.command('backup')))
    .summary('copy the store to a file, while a broker runs or not')
    .description(
      `Copies the store to FILE as it stands at one moment, and verifies the copy as
\`mayfly audit verify\` does. A plain copy of a running database lacks what is
still in its log, the newest events among it; this one does not.

FILE is made for its owner alone, and must not be there yet. It holds every
task and scope, and no secret that can be read without the seal key: keep the
two apart. What a broker makes of a backup that was restored is in
docs/operating.md.

A PostgreSQL database is backed up by its own means, as \`pg_dump\`.

The exit status is 1 when the copy cannot be made, or is not intact; nothing is
left of it then. With --json the answer is { "file", "events", "head" }.
A backup that is killed leaves FILE.RANDOM.partial, which is in nobody's way and
may be deleted.`,
    )
    .argument('<file>', 'where to put the copy')
    .action(copy)
}

async function copy(path: string, options: { config: string; json?: boolean }): Promise<void> {
  const [{ createSeal }, { backUpSqlite }, { readLastHead }, { verifyStore }] = await Promise.all([
    import('../../base/seal.ts'),
    import('../../store/backup.ts'),
    import('../../store/last-head.ts'),
    import('../audit/verify-store.ts'),
  ])
  const { configuration } = await readConfiguration(options.config)
  const { store } = configuration
  if (store.kind === 'postgres')
    throw new Failure(
      'failed',
      'the store is a PostgreSQL database, which is backed up by its own means',
      'Run `pg_dump` on it, or take base backups together with its log; `mayfly audit verify` verifies what was restored.',
    )
  const file = resolve(path)
  if (existsSync(file)) throw taken(file)
  requireStore(configuration)
  // The broker goes on while the copy is made: it must reach what was known before, and may end before what is known after.
  const outside = readLastHead(configuration.audit.lastHead)
  // Of its own: what stands there under any other name is somebody else's, or another backup's.
  const partial = `${file}.${randomUUID()}.partial`
  try {
    await backUpSqlite(store.path, partial, createSeal(configuration.sealKeys), outside).catch(
      (error: unknown) => {
        const why = error instanceof Error ? error.message : 'unknown error'
        throw new Failure(
          'failed',
          `the store cannot be copied to ${file}: ${why}`,
          `Check \`store\` in ${configuration.file}, and that this user can write there.`,
        )
      },
    )
    const copied = {
      ...configuration,
      store: { kind: 'sqlite', path: partial } as const,
      audit: { ...configuration.audit, lastHead: undefined },
    }
    const { events, head, discrepancies, otherKey } = await verifyStore(copied, outside.known)
    if (otherKey) throw otherKey
    const [first] = discrepancies
    if (first)
      throw new Failure(
        'not_intact',
        `the copy is not intact: ${first.message}`,
        `Run \`mayfly audit verify -c ${configuration.file}\`: the store itself may be damaged.`,
      )
    put(partial, file)
    const at = `${head.seq}:${head.mac}`
    answer(options, { file, events, head: at }, [`${file}: ${count(events, 'event')}, intact, head ${at}`])
  } finally {
    for (const end of ['', '-wal', '-shm', '-journal']) rmSync(partial + end, { force: true })
  }
}

/** Gives it its name, as one step. @throws Failure where somebody has taken that name meanwhile */
function put(partial: string, file: string): void {
  try {
    linkSync(partial, file)
  } catch (error) {
    if (isThere(error)) throw taken(file)
    // A file system without links.
    claim(file)
    renameSync(partial, file)
  }
}

function claim(file: string): void {
  try {
    closeSync(openSync(file, 'wx', 0o600))
  } catch (error) {
    throw isThere(error) ? taken(file) : error
  }
}

const isThere = (error: unknown) => (error as NodeJS.ErrnoException).code === 'EEXIST'

const taken = (file: string) => new Failure('failed', `${file} is there already`, 'Name a file that is not.')
