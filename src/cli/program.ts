/** The tree of commands. */
import { Command } from 'commander'
import manifest from '../../package.json' with { type: 'json' }
import { brokers, commands } from './commands.ts'
import { misuseRemedy } from './failure.ts'
import { hasBrokersNode, needBrokersNode } from './node.ts'

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
      `${'demo' in commands && hasBrokersNode ? demoHint : ''}
Exit status: 0 done, 1 refused or failed, 2 wrong usage.`,
    )
  const known = Object.hasOwn(commands, name)
  if (known && brokers.has(name)) needBrokersNode(`\`mayfly ${name}\``)
  const here = Object.entries(commands).filter(([each]) => hasBrokersNode || !brokers.has(each))
  const wanted = known ? [commands[name]!] : here.map(([, load]) => load)
  for (const load of wanted) (await load()).register(program)
  return program
}
