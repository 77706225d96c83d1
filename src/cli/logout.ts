/** `mayfly logout`: forgets the logins at a broker, here and at the issuer. */
import type { Command } from 'commander'
import { logOut } from '../client/login/login.ts'
import { report } from './failure.ts'
import { loginView, who } from './login.ts'
import { type BrokerOptions, withBroker } from './options.ts'
import { answer } from './print.ts'

export function register(program: Command): void {
  withBroker(program.command('logout'))
    .summary('log out')
    .description(
      `Forgets both logins at the broker, that of your assistants and that of an admin,
and has the issuer end what it can (RFC 7009). With --admin, the admin's alone.
Tasks that are open go on; what ends them is
\`mayfly admin revoke --owner OWNER --reason TEXT\`.`,
    )
    .option('--admin', "the admin's alone")
    .action(logout)
}

async function logout(options: BrokerOptions & { admin?: boolean }): Promise<void> {
  const { url, admin = false, json = false } = options
  const done = []
  for (const kind of admin ? (['admin'] as const) : (['workload', 'admin'] as const)) {
    try {
      const login = await logOut(url, kind, process.env)
      if (login) done.push(login)
    } catch (error) {
      // The other one is to end all the same.
      process.exitCode = report(error, json)
    }
  }
  if (done.length === 0 && process.exitCode === 1) return
  answer(
    options,
    { logged_out: done.map((login) => ({ ...loginView(url, login), revoked: login.revoked })) },
    done.length === 0
      ? [`Nobody was logged in at ${url}.`]
      : done.map(
          (login) =>
            `Logged out ${who(login)}${login.revoked ? '' : '; the issuer was not told, so end its session there'}.`,
        ),
  )
}
