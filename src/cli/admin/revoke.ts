import type { Command } from 'commander'
import type { OrderRevocation, Revocation } from '../../client/client.ts'
import { givenIdentity, NoIdentity } from '../../client/identity.ts'
import { leaseLine } from '../describe.ts'
import { Failure } from '../failure.ts'
import { type BrokerOptions, connect, withBroker } from '../options.ts'
import { answer, count } from '../print.ts'

/** The selectors that take a value, and what it is. */
const selectors = {
  task: 'one task, by its id',
  lease: 'one lease, by its id; its task goes on',
  agent: 'every task of this agent',
  owner: 'every task of the agents that this owner answers for',
  provider: 'every lease at TYPE or TYPE/CONNECTION; their tasks go on',
  issuer: 'every task opened with a token of this issuer, by its configured name',
} as const

type Named = { [Name in keyof typeof selectors]?: string }

interface RevokeOptions extends BrokerOptions, Named {
  all?: boolean
  reason: string
}

export function registerRevoke(group: Command): void {
  const command = withBroker(group.command('revoke'))
    .summary('end tasks and revoke their credentials')
    .description(
      `Ends the tasks that one selector means and revokes their credentials, each of
which is tried before the answer comes, within ten seconds.

The exit status is 0 when all that matched is over, also when nothing did. It
is 1 when a credential may still work; the broker goes on revoking it.`,
    )
    .option(
      '--token-file <file>',
      "a file that holds the admin's OIDC token (env, the token itself: MAYFLY_TOKEN)",
    )
  for (const [name, meaning] of Object.entries(selectors)) command.option(`--${name} <${name}>`, meaning)
  command
    .option('--all', 'every task and every lease')
    .requiredOption('--reason <text>', 'why; goes on record')
    .addHelpText(
      'after',
      `
Example:
  mayfly admin revoke --agent refactor-bot --reason 'prompt injection in issue 12' --token-file ./admin.token`,
    )
    .action(revoke)
}

async function revoke(options: RevokeOptions, command: Command): Promise<void> {
  const selector = selectorOf(options, command)
  const identity = await givenIdentity({ env: process.env, tokenFile: options.tokenFile })
  if (identity === undefined)
    throw new NoIdentity('there is no admin token', 'Give one with --token-file or MAYFLY_TOKEN.')
  const outcome = await connect(options).revoke(identity, { selector, reason: options.reason })
  answer(options, outcome, summary(outcome))
  const alive = outcome.pending + outcome.irrevocable
  if (alive > 0)
    throw new Failure(
      'not_revoked',
      `${alive} of ${count(outcome.matched, 'lease')} may still work upstream`,
      'The broker goes on revoking them. Run this again to see how they stand.',
    )
}

function selectorOf(options: RevokeOptions, command: Command): OrderRevocation['selector'] {
  const given = Object.keys(selectors).filter((name) => options[name as keyof Named] !== undefined)
  if (given.length + (options.all ? 1 : 0) !== 1)
    command.error(
      `error: exactly one of ${Object.keys(selectors)
        .map((name) => `--${name}`)
        .join(', ')} or --all is needed`,
    )
  const [name] = given as (keyof Named)[]
  return (name === undefined ? { all: true } : { [name]: options[name] }) as OrderRevocation['selector']
}

function summary({ id, tasks, matched, revoked, pending, irrevocable, leases }: Revocation): string[] {
  if (tasks.length === 0 && matched === 0)
    return [`${id}: nothing matched: no task was open, no credential alive`]
  return [
    `${id}: ended ${count(tasks.length, 'task')}; ${count(matched, 'lease')} matched: ${revoked} over, ${pending} pending, ${irrevocable} irrevocable`,
    ...leases.map((lease) => `  ${leaseLine(lease)}`),
  ]
}
