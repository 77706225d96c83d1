/** `admin contain`: keep out, then end. */
import { type Command, InvalidArgumentError } from 'commander'
import type { OrderRevocation } from '../../client/client.ts'
import { Failure } from '../failure.ts'
import { time } from '../options.ts'
import { answer } from '../print.ts'
import {
  offlineHelp,
  requireDead,
  stop,
  type Stopped,
  type StopOptions,
  summary,
  withStopping,
} from './stop.ts'

type Selector = OrderRevocation['selector']
type Claim = Extract<Selector, { claim: unknown }>['claim']

/** The selectors that take one text, and what it is. */
const selectors = {
  session: 'the session that opened this task: one run of a job, one session of a cloud agent',
  task: 'the same',
  agent: 'this agent; the same as suspending it',
  owner: 'the agents of this owner',
  provider: 'TYPE or TYPE/CONNECTION: nothing more is minted there; tasks go on without it',
  issuer: 'whoever shows a token of this issuer, by its configured name or its URL',
} as const

type Named = { [Name in keyof typeof selectors]?: string }

interface ContainOptions extends Named, StopOptions {
  claim?: Claim[]
  all?: boolean
  until?: string
}

export function registerContain(group: Command): void {
  const command = group
    .command('contain')
    .summary('keep out, then revoke')
    .description(
      `Raises a fence on what one selector means, and in the same moment ends its
tasks and revokes its credentials, each of which is tried before the answer
comes, within ten seconds. Whoever is behind the fence is refused with
\`fenced\`, an agent with \`agent_suspended\`, at opening a task and at every mint,
until somebody lifts it (\`mayfly admin lift\`) or --until has come. Needs the
rights "revoke" and "suspend"; for --session "revoke" is enough.

The exit status is 1 when a credential may still work, or when a fresh token
would get in: where the tokens of an issuer name no session (\`session\` in the
configuration), --session keeps out nothing but the token that was used.

${offlineHelp}`,
    )
  for (const [name, meaning] of Object.entries(selectors)) command.option(`--${name} <${name}>`, meaning)
  command
    .option(
      '--claim <issuer:name=value>',
      'whoever shows a token of this issuer with this claim; repeated: with all of these claims',
      addClaim,
    )
    .option('--all', 'everyone')
    .option('--until <time>', 'when the fence ends by itself, as 2026-12-01T08:00:00Z', time)
  withStopping(command)
    .addHelpText(
      'after',
      `
Examples:
  mayfly admin contain --session task_0123456789abcdef0123456789abcdef --reason 'prompt injection in issue 12'
  mayfly admin contain --claim github-actions:repository_id=123 --reason 'a dependency was hijacked'
  mayfly admin contain --provider aws/prod --until 2026-12-01T08:00:00Z --reason 'incident 7'
  mayfly admin contain --offline -c /etc/mayfly/mayfly.yaml --all --reason 'the identity provider is down'`,
    )
    .action(contain)
}

async function contain(options: ContainOptions, command: Command): Promise<void> {
  const { until } = options
  const order = { selector: selectorOf(options, command), fence: true, ...(until !== undefined && { until }) }
  const stopped = await stop(options, order, command)
  answer(options, stopped.outcome, summary(stopped.outcome))
  requireDead(stopped)
  requireKeptOut(stopped, until)
}

/** @throws Failure where the fence is on a token alone, and a fresh one would pass it. */
function requireKeptOut({ outcome: { fence } }: Stopped, asked: string | undefined): void {
  if (fence && (fence.until === null || asked !== undefined)) return
  throw new Failure(
    'not_contained',
    fence
      ? 'a fresh token gets in: those of this issuer name no session'
      : 'nothing is kept out: the row of this task is damaged',
    'Contain its agent, or a claim that it shows; name the claims of a session in `session` of the issuer.',
  )
}

function selectorOf(options: ContainOptions, command: Command): Selector {
  const { claim: claims = [], all, session, task = session } = options
  const given = Object.keys(selectors).filter((name) => options[name as keyof Named] !== undefined)
  if (given.length + (claims.length > 0 ? 1 : 0) + (all ? 1 : 0) !== 1)
    command.error(
      `error: exactly one of ${[...Object.keys(selectors), 'claim'].map((name) => `--${name}`).join(', ')} or --all is needed`,
    )
  if (task !== undefined) return { session: task }
  const [claim, ...others] = claims
  if (!claim) {
    const [name] = given as (keyof Named)[]
    return (name === undefined ? { all: true } : { [name]: options[name] }) as Selector
  }
  if (others.length === 0) return { claim }
  const { issuer } = claim
  if (others.some((other) => other.issuer !== issuer))
    command.error('error: every --claim must be of the same issuer')
  return { session: { issuer, claims: Object.fromEntries(claims.map(({ name, value }) => [name, value])) } }
}

/** For `--claim`. */
function addClaim(written: string, earlier: Claim[] = []): Claim[] {
  const { issuer, name, value } =
    /^(?<issuer>(?:https?:\/\/)?[^:]+(?::\d+)?[^:=]*):(?<name>[^=]+)=(?<value>.*)$/s.exec(written)?.groups ??
    {}
  if (issuer === undefined || name === undefined || value === undefined)
    throw new InvalidArgumentError('It is ISSUER:NAME=VALUE, the issuer by its configured name or its URL.')
  return [...earlier, { issuer, name, value }]
}
