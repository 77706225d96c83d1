import type { Command } from 'commander'
import type { OrderRevocation, Revocation } from '../../client/client.ts'
import { leaseLine } from '../describe.ts'
import { Failure } from '../failure.ts'
import { connect, seconds, urlOption, withConfiguration, withJson } from '../options.ts'
import { answer, count } from '../print.ts'
import { adminToken, withAdminToken } from './options.ts'

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

interface RevokeOptions extends Named {
  url?: string
  tokenFile?: string
  json?: boolean
  all?: boolean
  reason: string
  offline?: boolean
  config: string
  within: number
}

type Selector = OrderRevocation['selector']

export function registerRevoke(group: Command): void {
  const command = withAdminToken(withJson(group.command('revoke')).addOption(urlOption()))
    .summary('end tasks and revoke their credentials')
    .description(
      `Ends the tasks that one selector means and revokes their credentials, each of
which is tried before the answer comes, within ten seconds.

The exit status is 0 when all that matched is over, also when nothing did. It
is 1 when a credential may still work; the broker goes on revoking it.

With --offline it is done here, in the place of a broker that cannot run or
cannot be reached: with the configuration's store, seal keys and upstreams
alone, without HTTP or any issuer, and whatever else the configuration has
wrong. No broker may be running on the store. Run it as the broker's own user.
What is overdue is ended too. The record names the user who ran it.`,
    )
  for (const [name, meaning] of Object.entries(selectors)) command.option(`--${name} <${name}>`, meaning)
  command
    .option('--all', 'every task and every lease')
    .requiredOption('--reason <text>', 'why; goes on record')
    .option('--offline', 'break glass: without a broker')
    .option('--within <seconds>', 'with --offline: how long upstreams that fail are tried again', seconds, 60)
  withConfiguration(command)
    .addHelpText(
      'after',
      `
Examples:
  mayfly admin revoke --agent refactor-bot --reason 'prompt injection in issue 12' --token-file ./admin.token
  mayfly admin revoke --offline -c /etc/mayfly/mayfly.yaml --all --reason 'the identity provider is down'`,
    )
    .action(revoke)
}

async function revoke(options: RevokeOptions, command: Command): Promise<void> {
  const selector = selectorOf(options, command)
  const { outcome, obstacles, next } = options.offline
    ? await withoutBroker(options, selector)
    : await throughBroker(options, selector, command)
  answer(options, outcome, summary(outcome))
  const alive = outcome.pending + outcome.irrevocable
  if (alive > 0)
    throw new Failure(
      'not_revoked',
      `${alive} of ${count(outcome.matched, 'lease')} may still work upstream`,
      next,
      {
        particulars: obstacles,
      },
    )
}

async function throughBroker(options: RevokeOptions, selector: Selector, command: Command) {
  const { url, reason } = options
  for (const name of ['config', 'within'])
    if (command.getOptionValueSource(name) === 'cli') command.error(`error: --${name} is for --offline`)
  if (url === undefined)
    command.error("error: required option '--url <url>' not specified (env: MAYFLY_URL), nor --offline")
  const outcome = await connect({ url }).revoke(await adminToken(options), { selector, reason })
  const next = 'The broker goes on revoking them. Run this again to see how they stand.'
  return { outcome, obstacles: [], next }
}

async function withoutBroker({ config, reason, within }: RevokeOptions, selector: Selector) {
  // Loaded only now: it is most of the broker.
  const { revokeWithoutBroker } = await import('./offline.ts')
  const done = await revokeWithoutBroker(config, { selector, reason, patienceMs: within * 1000 })
  return { ...done, next: 'Run this again, or start the broker: either goes on revoking them.' }
}

function selectorOf(options: RevokeOptions, command: Command): Selector {
  const given = Object.keys(selectors).filter((name) => options[name as keyof Named] !== undefined)
  if (given.length + (options.all ? 1 : 0) !== 1)
    command.error(
      `error: exactly one of ${Object.keys(selectors)
        .map((name) => `--${name}`)
        .join(', ')} or --all is needed`,
    )
  const [name] = given as (keyof Named)[]
  return (name === undefined ? { all: true } : { [name]: options[name] }) as Selector
}

function summary({ id, tasks, matched, revoked, pending, irrevocable, leases }: Revocation): string[] {
  if (tasks.length === 0 && matched === 0)
    return [`${id}: nothing matched: no task was open, no credential alive`]
  return [
    `${id}: ended ${count(tasks.length, 'task')}; ${count(matched, 'lease')} matched: ${revoked} over, ${pending} pending, ${irrevocable} irrevocable`,
    ...leases.map((lease) => `  ${leaseLine(lease)}`),
  ]
}
