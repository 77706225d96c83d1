/** `admin revoke`. */
import type { Command } from 'commander'
import type { OrderRevocation } from '../../client/client.ts'
import { answer } from '../print.ts'
import { offlineHelp, requireDead, stop, type StopOptions, summary, withStopping } from './stop.ts'

/** The selectors that take a value, and what it is. */
const selectors = {
  task: 'one task, by its id; its session opens no other',
  lease: 'one lease, by its id; its task goes on',
  agent: 'every task of this agent',
  owner: 'every task of the agents that this owner answers for, or did when they were opened',
  provider: 'every lease at TYPE or TYPE/CONNECTION; their tasks go on',
  issuer: 'every task opened with a token of this issuer, by its configured name or its URL',
} as const

type Named = { [Name in keyof typeof selectors]?: string }

interface RevokeOptions extends Named, StopOptions {
  all?: boolean
  /** False with --no-fence. */
  fence: boolean
}

type Selector = OrderRevocation['selector']

export function registerRevoke(group: Command): void {
  const command = group
    .command('revoke')
    .summary('end tasks and revoke their credentials')
    .description(
      `Ends the tasks that one selector means and revokes their credentials, each of
which is tried before the answer comes, within ten seconds. What the selector
names must be configured, or in the store.

Ending one task fences its session: the job that opened it can open no other.
Ending by any other selector keeps nobody out; that is \`mayfly admin contain\`.

The exit status is 0 when all that matched is over, also when nothing did. It
is 1 when a credential may still work; the broker goes on revoking it.

${offlineHelp}`,
    )
  for (const [name, meaning] of Object.entries(selectors)) command.option(`--${name} <${name}>`, meaning)
  command
    .option('--all', 'every task and every lease')
    .option('--no-fence', 'with --task: let its session open another')
  withStopping(command)
    .addHelpText(
      'after',
      `
Examples:
  mayfly admin revoke --agent refactor-bot --reason 'its work is done' --token-file ./admin.token
  mayfly admin revoke --offline -c /etc/mayfly/mayfly.yaml --all --reason 'the identity provider is down'`,
    )
    .action(revoke)
}

async function revoke(options: RevokeOptions, command: Command): Promise<void> {
  const selector = selectorOf(options, command)
  const stopped = await stop(options, { selector, ...(!options.fence && { fence: false }) }, command)
  answer(options, stopped.outcome, summary(stopped.outcome))
  requireDead(stopped)
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
