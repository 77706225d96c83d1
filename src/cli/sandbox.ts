/** `mayfly sandbox`: a broker and all that it talks to, on this machine, to log in at and to try. */
import type { Command } from 'commander'
import { logins } from '../demo/keep.ts'
import { setUp } from '../demo/setup.ts'
import { withJson } from './options.ts'
import { answer } from './print.ts'
import { untilStopped } from './signals.ts'

export function register(program: Command): void {
  withJson(program.command('sandbox'))
    .summary('try a broker, login and upstreams on this machine')
    .description(
      `Starts a real broker, an issuer with a login page, and strict counterparts of
GitHub, AWS and Vault, all on 127.0.0.1, and prints what to try: get to know the
broker, log in as one of the people that the issuer knows, get a first token of
your own. Nothing outside this machine is called. Runs until Ctrl-C, and leaves
nothing behind but what \`mayfly bootstrap\` and \`login\` have kept of it.`,
    )
    .action(sandbox)
}

async function sandbox(options: { json?: boolean }): Promise<void> {
  const stopped = untilStopped()
  const started = performance.now()
  const setup = await setUp()
  const seconds = Math.round((performance.now() - started) / 100) / 10
  const { url } = setup
  const { issuer, github } = setup.sandbox
  const list = logins(setup)
  answer(
    options,
    {
      url,
      issuer: issuer.url,
      github: github.url,
      configuration: setup.configuration.file,
      log: setup.log,
      started_after_ms: Math.round(seconds * 1000),
      commands: list.map(({ command }) => command),
    },
    [
      `A broker at ${url}, ready after ${seconds} s; it runs until Ctrl-C. In another terminal, in the checkout:`,
      ...list.flatMap(({ what, command }) => ['', `# ${what}`, command]),
    ],
  )
  await stopped
  await setup.close()
  process.exit()
}
