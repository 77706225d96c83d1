import { type Command, InvalidArgumentError } from 'commander'
import { resolve } from 'node:path'
import type { Task } from '../client/client.ts'
import type { Choice } from '../client/run/tools.ts'
import { type Notice, NotApproved, run } from '../client/run.ts'
import { quoted } from '../client/run/shell.ts'
import { mayBeHeld, mayStillWork } from '../leases/lease.ts'
import { awaiting } from './describe.ts'
import { Failure, report, tell } from './failure.ts'
import { type GitHostOptions, withGitHosts } from './git-credential.ts'
import { newTask, type NewTaskOptions, withNewTask } from './new-task.ts'
import { addText, connect, identityHelp, openingToken, withBroker, withIdentity } from './options.ts'
import { jsonLine } from './print.ts'
import { scopeHelp, scopeText } from './scope.ts'
import { statusOf } from './signals.ts'

interface RunOptions extends NewTaskOptions, GitHostOptions {
  wait: boolean
  keepEnv?: string[]
  secretsWebhook?: boolean
}

export function register(program: Command): void {
  withNewTask(withGitHosts(withIdentity(withBroker(program.command('run')))))
    .summary('run a command inside a task, which ends with it')
    .description(
      `Opens a task, runs the command in it, and completes the task when the command
ends, in whatever way: its credentials are dead when this returns, or it says
which are not known to be. In a task it is a child of that one.

The command has this task's credentials, and no others by accident:
  git      each repository of the scope, over https and where it says SSH;
           .netrc, insteadOf, extraHeader, other helpers and keys do not count
  gh       GH_TOKEN or GH_ENTERPRISE_TOKEN; where the token ends before the
           task, GH_CONFIG_DIR, in which it is renewed
  aws      an endpoint (AWS_CONTAINER_CREDENTIALS_FULL_URI), which is asked
           anew before each end, and a profile for each role of the scope
  vault    VAULT_ADDR, VAULT_NAMESPACE and VAULT_TOKEN; where that ends before
           the task, a token helper
  docker   docker-credential-mayfly on PATH, for \`credHelpers\`
  mayfly   MAYFLY_URL, MAYFLY_TASK, MAYFLY_TASK_TOKEN, for \`mayfly token\`
           and its like
Of several items for one tool it uses the first; how it uses another is said.
What upstream ends before the task is renewed: at most two of one scope are
alive, for no more than 5 seconds.
Taken out of its environment are the identity of this workload, GH_TOKEN,
GITHUB_TOKEN, AWS_*, VAULT_TOKEN, BAO_TOKEN, SSH_AUTH_SOCK, the like for GitHub
Enterprise, and whatever holds a GitHub token; gh, aws and vault do not find the
logins that they have stored. --keep-env leaves a variable as it is outside, set
or not. Files and processes that the command may read, it can still read.

SIGINT, SIGTERM, SIGHUP and SIGQUIT are passed on to the command, except for
what the terminal sends to both (Ctrl-C). A second SIGINT kills it. If it goes
on after a SIGINT or SIGTERM that was passed on, its task is completed 5
seconds later.

Exit status: that of the command; 128 + N if signal N ended it, or came before
it was started; 126 or 127 if it could not be; 1 if there was no task for it,
or if the command went well and a credential of its is not known to be dead.
With --json, what mayfly has to say on stderr is one JSON object a line.`,
    )
    .option('--no-wait', 'fail where the task needs an approval, instead of waiting for it')
    .option(
      '--keep-env <name>',
      'a variable that the command is to have as it is here; may be repeated',
      addVariable,
    )
    .option(
      '--secrets-webhook',
      "serve the scope's secrets on loopback to who looks them up, as OpenHands does: MAYFLY_SECRETS_URL, MAYFLY_SECRETS_TOKEN",
    )
    .argument('<command...>', 'what to run; its own options are its own, with `--` before it or without')
    .passThroughOptions()
    .addHelpText(
      'after',
      `${scopeHelp}
${identityHelp}

Examples:
  mayfly run --purpose 'bump a dependency' --scope github:acme/web:contents=write -- \\
    sh -c 'git clone https://github.com/acme/web.git && cd web && ./bump && git push'
  mayfly run --purpose 'publish the site' --scope github:acme/web:contents=read \\
    --scope 'aws:arn:aws:iam::123456789012:role/deployer:actions=s3:PutObject:resources=arn:aws:s3:::site/*' \\
    --scope vault:policies=ci-read -- ./publish`,
    )
    .action(runCommand)
}

function addVariable(written: string, earlier: string[] = []): string[] {
  if (!/^[A-Za-z_]\w*$/.test(written)) throw new InvalidArgumentError('It is the name of one variable.')
  return addText(written, earlier)
}

async function runCommand(words: string[], options: RunOptions): Promise<void> {
  const { url, ca, wait, json = false } = options
  const identity = await openingToken(options)
  let unproven = false
  const ending = await run({
    client: connect(options),
    url,
    identity,
    task: newTask(options),
    // The argument is required.
    command: words as [string, ...string[]],
    // Where it is relative: the command may change its directory before it calls us.
    env: { ...process.env, ...(ca !== undefined && { MAYFLY_CA: resolve(ca) }) },
    keep: options.keepEnv ?? [],
    gitHosts: options.gitHost,
    program: [process.execPath, process.argv[1]!],
    scopeText,
    secrets: options.secretsWebhook ?? false,
    wait,
    notify(notice) {
      unproven ||= isUnproven(notice)
      say(notice, json)
    },
  }).catch((error: unknown) => {
    throw error instanceof NotApproved ? refusal(error.task) : error
  })
  const status = 'signal' in ending ? statusOf(ending.signal) : ending.status
  // What the command has to say of itself is not to be lost.
  process.exitCode = status === 0 && unproven ? 1 : status
}

/** Whether a credential of the command's may work on, other than was said when it was minted. */
function isUnproven(notice: Notice): boolean {
  if (notice.kind === 'still_alive') return notice.task.leases.some(mayStillWork)
  return notice.kind === 'not_completed'
}

function say(notice: Notice, json: boolean): void {
  if (notice.kind === 'choice') return sayChoice(notice.choice, json)
  if (notice.kind !== 'awaits_approval') return void report(failureOf(notice), json)
  tell(awaiting(notice.task, json))
}

/** Which of several credentials a tool uses, and how it uses another. */
function sayChoice({ tool, items }: Choice, json: boolean): void {
  const told = items.map(({ detail, use }) => ({ scope: scopeText(detail), ...use }))
  const [first, ...others] = told
  const detail = `${tool} uses ${first!.scope}, the first of ${items.length} in this scope`
  if (json) return tell([jsonLine({ code: 'choice', detail, tool, default: first, others })])
  tell([
    `mayfly: ${detail}`,
    ...others.map(
      (other) =>
        `  for ${other.scope}: ${
          'profile' in other
            ? `${tool} --profile ${other.profile}`
            : `${other.variable}=$(mayfly token --scope ${quoted(other.scope)}) ${tool}`
        }`,
    ),
  ])
}

function failureOf(notice: Exclude<Notice, { kind: 'awaits_approval' | 'choice' }>): Failure {
  if (notice.kind === 'other_login')
    return new Failure(
      'failed',
      `${notice.file} holds a login for ${notice.host}, which is not this task's`,
      'Git does not use it here; other programs, such as `curl -n` and git-lfs, may.',
    )
  if (notice.kind === 'not_started')
    return new Failure('failed', notice.error.message, 'Name a program that is there, after `--`.')
  const { id, end_reason, ended_at, leases, expires_at } = notice.task
  const facts = { task: id }
  switch (notice.kind) {
    case 'ended_before':
      return new Failure(
        'failed',
        `${id} had ended before the command did: ${end_reason}, at ${ended_at}`,
        'What the command did after that, it did without credentials.',
        { facts },
      )
    case 'still_alive': {
      const particulars = leases
        .filter(mayBeHeld)
        .map(({ id: lease, status, revocation, evidence }) =>
          [
            `${lease} ${status}`,
            `revocation ${revocation}`,
            ...(evidence ? [`found ${evidence.result}`] : []),
          ].join(', '),
        )
      return new Failure(
        'not_revoked',
        `${id} is over, and not all of its credentials are known to be dead`,
        'The broker goes on revoking them by itself; an admin can watch it.',
        { facts, particulars },
      )
    }
    case 'not_completed': {
      const why = notice.error instanceof Error ? notice.error.message : 'unknown error'
      return new Failure(
        'failed',
        `${id} could not be completed: ${why}`,
        `It ends by itself when its ttl is over; sooner with \`mayfly admin revoke --task ${id} --reason TEXT\`.`,
        { facts: { ...facts, expires_at } },
      )
    }
  }
}

function refusal(task: Task): Failure {
  const facts = { task: task.id }
  return task.status === 'pending_approval'
    ? new Failure(
        'failed',
        `this needs the approval of ${groupsOf(task)}`,
        'Run it without --no-wait, and have it approved meanwhile.',
        { facts },
      )
    : new Failure('failed', `${task.id} was not approved: ${task.end_reason}`, 'Ask for less, or ask why.', {
        facts,
      })
}

function groupsOf({ approvals }: Task): string {
  return approvals
    .filter(({ status }) => status === 'pending')
    .map(({ group }) => group)
    .join(', ')
}
