/** `mayfly whoami`: who is logged in, and which agent a token is, or why it is none. */
import type { Command } from 'commander'
import { existsSync } from 'node:fs'
import { knownBrokers } from '../client/login/brokers.ts'
import { whoIsLoggedIn } from '../client/login/login.ts'
import { Failure, report } from './failure.ts'
import { loginView, who } from './login.ts'
import { withConfiguration, withIdentity, withJson } from './options.ts'
import { answer } from './print.ts'
import { heldAgainst, type Options } from './whoami/held.ts'

export function register(program: Command): void {
  withJson(withIdentity(withConfiguration(program.command('whoami'))))
    .summary('show who is logged in, and which agent a token matches')
    .description(
      `Shows who is logged in at which broker (\`mayfly login\`).

Where there is a configuration, reads a workload's OIDC token besides, that of
the login where there is no other, and holds what it claims against it: its
issuer, its audience, its age, and the rules of every agent. Its signature is
not checked, and the broker is asked nothing. Where no rule matches, the nearest
one is shown, and the first claim that differs.

The exit status is 1 where the broker would refuse the token for what it claims,
and without a configuration where nobody is logged in.`,
    )
    .action((options: Options, command: Command) => {
      const asked = command.getOptionValueSource('config') !== 'default' || options.tokenFile !== undefined
      return asked || existsSync(options.config) ? whoami(options) : whoIsIn(options)
    })
}

async function whoami(options: Options): Promise<void> {
  const seen = await heldAgainst(options)
  const logins = await loginsHere(options)
  answer(options, { ...seen.view, logins: logins.map(({ view }) => view) }, [
    ...seen.lines,
    ...logins.map(({ line }) => line),
  ])
  if (!seen.accepted) process.exitCode = 1
}

async function whoIsIn(options: Options): Promise<void> {
  const logins = await loginsHere(options)
  if (logins.length === 0 && process.exitCode === 1) return
  if (logins.length === 0)
    throw new Failure(
      'no_identity',
      'nobody is logged in here, and there is no configuration to hold a token against',
      'Log in with `mayfly login`, or name a configuration with -c.',
    )
  answer(
    options,
    { logins: logins.map(({ view }) => view) },
    logins.map(({ line }) => line),
  )
}

/** At every broker that this user has asked. No token is looked at, and none is used up. */
async function loginsHere({ json = false }: Options) {
  const { env } = process
  const found = []
  for (const { url } of knownBrokers(env))
    for (const kind of ['workload', 'admin'] as const) {
      const login = await whoIsLoggedIn(url, kind, env).catch((error: unknown) => {
        // One that cannot be read says so, and hides no other.
        process.exitCode = report(error, json)
      })
      if (!login) continue
      const as = kind === 'admin' ? ', as an admin' : login.renewed ? '' : ', for one task'
      found.push({ view: loginView(url, login), line: `logged in ${who(login)} at ${url}${as}` })
    }
  return found
}
