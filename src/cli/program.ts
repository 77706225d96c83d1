/** The tree of commands. */
import { Command } from 'commander'
import manifest from '../../package.json' with { type: 'json' }
import { commands } from './commands.ts'
import { Failure, misuseRemedy } from './failure.ts'

const demoHint = `
Start with \`mayfly demo\`: it shows a credential's whole life, and needs nothing.
`

/**
 * With the command `name`, or all where there is none of that name. `json`: what is wrong is told by whoever catches it.
 *
 * @throws Failure where this Node is too old for the command.
 */
export async function createProgram({ name = '', json = false } = {}): Promise<Command> {
  const program = new Command('mayfly')
    .description('Credentials for AI assistants and CI jobs that live no longer than the task.')
    .version(manifest.version)
    .exitOverride()
    // So that `run` can leave the options of its command alone.
    .enablePositionalOptions()
    .showHelpAfterError(misuseRemedy)
    .configureOutput({
      // One line of what happened: a suggestion comes on a line of its own.
      outputError: (text, write) => write(text.replace(/\n\(/, ' (')),
      writeErr: (text) => void (json || process.stderr.write(text)),
    })
    .addHelpText(
      'after',
      `${'demo' in commands ? demoHint : ''}
Exit status: 0 done, 1 refused or failed, 2 wrong usage.`,
    )
  const wanted = Object.hasOwn(commands, name) ? [commands[name]!] : Object.values(commands)
  for (const load of wanted)
    try {
      ;(await load()).register(program)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ERR_UNKNOWN_BUILTIN_MODULE'))
        throw error
      // A Node that cannot open the store has the client's commands all the same.
      if (wanted.length > 1) continue
      throw new Failure(
        'failed',
        `\`mayfly ${name}\` needs Node.js 24 or later; this is ${process.version}`,
        'Run it with a newer one.',
      )
    }
  return program
}
