/** What every call of an admin takes. */
import type { Command } from 'commander'
import { givenIdentity, NoIdentity } from '../../client/identity.ts'
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

/** Never found in the surroundings: those of a CI job are a workload's. @throws NoIdentity */
export async function adminToken({ tokenFile }: Pick<AdminOptions, 'tokenFile'>): Promise<string> {
  const identity = await givenIdentity({ env: process.env, tokenFile })
  if (identity !== undefined) return identity
  throw new NoIdentity('there is no admin token', 'Give one with --token-file or MAYFLY_TOKEN.')
}
