/** What every call of an admin takes. */
import type { Command } from 'commander'
import { givenIdentity, NoIdentity } from '../../client/identity.ts'
import { loginToken } from '../../client/login/login.ts'
import { taskFromEnvironment } from '../../client/task-environment.ts'
import { type BrokerOptions, withBroker } from '../options.ts'

export type AdminOptions = Pick<BrokerOptions, 'url' | 'ca' | 'tokenFile' | 'json'>

export function withAdmin(command: Command): Command {
  return withAdminToken(withBroker(command))
}

export function withAdminToken(command: Command): Command {
  return command.option(
    '--token-file <file>',
    "a file that holds the admin's OIDC token (env, the token itself: MAYFLY_TOKEN)",
  )
}

/**
 * Given, or of an admin who is logged in; never found in the surroundings, as those of a CI job are a
 * workload's, and never the login of an admin from inside a task.
 *
 * @throws NoIdentity
 */
export async function adminToken({
  url,
  tokenFile,
}: {
  url: string
  tokenFile?: string | undefined
}): Promise<string> {
  const { env } = process
  const identity = await givenIdentity({ env, tokenFile })
  if (identity !== undefined) return identity
  const login = taskFromEnvironment(env) ? undefined : await loginToken(url, 'admin', env)
  if (login !== undefined) return login
  throw new NoIdentity(
    'there is no admin token',
    'Log in with `mayfly login --admin`, or give one with --token-file or MAYFLY_TOKEN.',
  )
}
