/** The tree of commands. */
import { Command } from 'commander'
import manifest from '../../package.json' with { type: 'json' }
import { Failure, misuseRemedy } from './failure.ts'

type CommandFile = { register(program: Command): void }

/** In the order of the help. Each is loaded only when it is wanted: the broker's own code takes a while to load. */
const commands: Record<string, () => Promise<CommandFile>> = {
  demo: () => import('./demo.ts'),
  sandbox: () => import('./sandbox.ts'),
  init: () => import('./init.ts'),
  import: () => import('./import.ts'),
  validate: () => import('./validate.ts'),
  doctor: () => import('./doctor.ts'),
  serve: () => import('./serve.ts'),
  bootstrap: () => import('./bootstrap.ts'),
  login: () => import('./login.ts'),
  logout: () => import('./logout.ts'),
  task: () => import('./task.ts'),
  explain: () => import('./explain.ts'),
  run: () => import('./run.ts'),
  token: () => import('./token.ts'),
  mcp: () => import('./mcp.ts'),
  'git-credential': () => import('./git-credential.ts'),
  'aws-credentials': () => import('./aws-credentials.ts'),
  admin: () => import('./admin.ts'),
  audit: () => import('./audit.ts'),
  store: () => import('./store.ts'),
  policy: () => import('./policy.ts'),
  whoami: () => import('./whoami.ts'),
  schema: () => import('./schema.ts'),
  completion: () => import('./completion.ts'),
}

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
      `
Start with \`mayfly demo\`: it shows a credential's whole life, and needs nothing.

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
