import type { Command } from 'commander'
import { readConfiguration } from '../configuration.ts'
import { Failure } from '../failure.ts'
import { withConfiguration, withJson } from '../options.ts'
import { answer } from '../print.ts'

export function registerMigrate(group: Command): void {
  withJson(withConfiguration(group.command('migrate')))
    .summary('bring the tables to what this version needs')
    .description(
      `Makes the tables of the store, or brings those of an earlier version up to date,
as the start of a broker does. No broker may be running on it. There is no way
back but a backup made before.

With --json the answer is { "migrated" }: false when there was nothing to do.`,
    )
    .action(migrate)
}

async function migrate(options: { config: string; json?: boolean }): Promise<void> {
  const [{ openStore }, { createSeal, OtherSealKey }, { StoreInUse }] = await Promise.all([
    import('../../store/open.ts'),
    import('../../base/seal.ts'),
    import('../../store/address.ts'),
  ])
  const { configuration } = await readConfiguration(options.config)
  const { store, file, sealKeys, audit } = configuration
  const seal = createSeal(sealKeys)
  const opened = await openStore(store, seal, { lastHead: audit.lastHead }).catch((error: unknown) => {
    if (error instanceof StoreInUse) throw new Failure('failed', error.message, 'Stop that broker first.')
    const why = error instanceof Error ? error.message : 'unknown error'
    const remedy = error instanceof OtherSealKey ? error.remedy : `Check \`store\` in ${file}.`
    throw new Failure('failed', `the store cannot be migrated: ${why}`, remedy)
  })
  const { migrated } = opened
  await opened.close()
  answer(options, { migrated }, [
    migrated
      ? 'migrated: the tables are those of this version'
      : 'the tables are those of this version already',
  ])
}
