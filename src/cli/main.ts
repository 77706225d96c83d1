#!/usr/bin/env node
/** The command line: finds the command, runs it, and turns what it throws into words and an exit status. */
import { Command, CommanderError } from 'commander'
import manifest from '../../package.json' with { type: 'json' }
import { report } from './failure.ts'

type CommandFile = { register(program: Command): void }

/** In the order of the help. Each is loaded only when it is wanted: the broker's own code takes a while to load. */
const commands: Record<string, () => Promise<CommandFile>> = {
  demo: () => import('./demo.ts'),
  init: () => import('./init.ts'),
  validate: () => import('./validate.ts'),
  doctor: () => import('./doctor.ts'),
  serve: () => import('./serve.ts'),
  task: () => import('./task.ts'),
  run: () => import('./run.ts'),
  token: () => import('./token.ts'),
  'git-credential': () => import('./git-credential.ts'),
  admin: () => import('./admin.ts'),
  audit: () => import('./audit.ts'),
  store: () => import('./store.ts'),
  policy: () => import('./policy.ts'),
  whoami: () => import('./whoami.ts'),
}

const program = new Command('mayfly')
  .description('Credentials for AI assistants and CI jobs that live no longer than the task.')
  .version(manifest.version)
  .exitOverride()
  .showHelpAfterError('Run the command with --help to see what it takes.')
  // One line of what happened: a suggestion comes on a line of its own.
  .configureOutput({ outputError: (text, write) => write(text.replace(/\n\(/, ' (')) })
  .addHelpText(
    'after',
    `
Start with \`mayfly demo\`: it shows a credential's whole life, and needs nothing.

Exit status: 0 done, 1 refused or failed, 2 wrong usage.`,
  )

let json = false
program.hook('preAction', (_program, command) => {
  json = command.opts<{ json?: boolean }>().json === true
})

// A reader that has seen enough (\`| head\`) closes the pipe; that is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

const [name = ''] = process.argv.slice(2)
const wanted = Object.hasOwn(commands, name) ? [commands[name]!] : Object.values(commands)
for (const load of wanted) {
  try {
    ;(await load()).register(program)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_UNKNOWN_BUILTIN_MODULE'))
      throw error
    // A Node that cannot open the store has the client's commands all the same.
    if (wanted.length > 1) continue
    process.stderr.write(`mayfly: \`mayfly ${name}\` needs Node.js 24 or later; this is ${process.version}\n`)
    process.exit(1)
  }
}

try {
  await program.parseAsync()
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
  else process.exitCode = report(error, json)
}
