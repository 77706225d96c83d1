import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Command } from 'commander'
import { scaffold } from './init/scaffold.ts'
import { withJson } from './options.ts'
import { answer } from './print.ts'
import { reviewDate, writeNew } from './write-new.ts'

export function register(program: Command): void {
  withJson(program.command('init'))
    .summary('write a configuration to start from')
    .description(
      `Writes a commented configuration, an agent, a policy and a new seal key into a
directory, which is made if need be. Nothing that is there is overwritten.

What only you can know is left open: \`mayfly validate\` lists it.`,
    )
    .argument('<dir>', 'where to')
    .action(init)
}

async function init(directory: string, options: { json?: boolean }): Promise<void> {
  const files: Record<string, string> = {
    ...scaffold(reviewDate()),
    'seal.key': `${randomBytes(32).toString('base64')}\n`,
  }
  await writeNew(
    directory,
    Object.fromEntries(
      Object.entries(files).map(([path, text]) => [
        path,
        { text, ...(path === 'seal.key' && { mode: 0o600 }) },
      ]),
    ),
  )
  const configuration = join(directory, 'mayfly.yaml')
  answer(options, { directory, files: Object.keys(files) }, [
    ...Object.keys(files).map((path) => `wrote ${join(directory, path)}`),
    '',
    `Now fill in what \`mayfly validate -c ${configuration}\` lists, then run \`mayfly serve -c ${configuration}\`.`,
    'Keep a copy of seal.key somewhere else: without it, nothing in the store can be opened or verified.',
  ])
}
