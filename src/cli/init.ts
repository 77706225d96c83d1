import { randomBytes } from 'node:crypto'
import { lstat, mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Command } from 'commander'
import { Failure } from './failure.ts'
import { scaffold } from './init/scaffold.ts'
import { withJson } from './options.ts'
import { answer } from './print.ts'

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
  // All or nothing: half of a configuration beside half of another would be neither.
  const present = (await Promise.all(Object.keys(files).map((path) => there(join(directory, path))))).flat()
  if (present.length > 0)
    throw new Failure(
      'failed',
      `${present.join(', ')} exist${present.length === 1 ? 's' : ''} already; nothing was written`,
      'Choose another directory, or move them away.',
    )
  for (const [path, text] of Object.entries(files)) {
    const file = join(directory, path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text, { flag: 'wx', mode: path === 'seal.key' ? 0o600 : 0o644 })
  }
  const configuration = join(directory, 'mayfly.yaml')
  answer(options, { directory, files: Object.keys(files) }, [
    ...Object.keys(files).map((path) => `wrote ${join(directory, path)}`),
    '',
    `Now fill in what \`mayfly validate -c ${configuration}\` lists, then run \`mayfly serve -c ${configuration}\`.`,
    'Keep a copy of seal.key somewhere else: without it, nothing in the store can be opened or verified.',
  ])
}

async function there(path: string): Promise<string[]> {
  return await lstat(path).then(
    () => [path],
    () => [],
  )
}

/** Half a year from now. */
function reviewDate(): string {
  const date = new Date()
  date.setUTCMonth(date.getUTCMonth() + 6)
  return date.toISOString().slice(0, 10)
}
