import { type Command, InvalidArgumentError } from 'commander'
import type { AuthorizationDetail, Client, TaskAccess } from '../client/client.ts'
import { inFormat } from '../client/formats.ts'
import { askForKept } from '../client/run/git-socket.ts'
import { taskFromEnvironment } from '../client/task-environment.ts'
import { Failure } from './failure.ts'
import { type BrokerOptions, connect, withBroker } from './options.ts'
import { answer } from './print.ts'
import { parseScope, scopeHelp } from './scope.ts'

export function register(program: Command): void {
  withBroker(program.command('aws-credentials'))
    .summary('act as credential_process of the AWS tools')
    .description(
      `Prints one AWS credential of the task that it runs in (MAYFLY_TASK and
MAYFLY_TASK_TOKEN), as a profile's \`credential_process\` is to print it. No
expiry in it is later than the task's.

In \`mayfly run\` it is the one that the run keeps for that scope, until shortly
before its end; elsewhere each call mints. \`mayfly run\` has a profile that calls
this for each AWS role of its scope.`,
    )
    .option('--scope <scope>', "whose credential (default: the first AWS role of the task's scope)", awsScope)
    .addHelpText(
      'after',
      `${scopeHelp}

Example, in a shell that holds a task, of ~/.aws/config:
  [profile deployer]
  credential_process = mayfly aws-credentials --scope aws:arn:aws:iam::123456789012:role/deployer`,
    )
    .action(awsCredentials)
}

function awsScope(written: string): AuthorizationDetail {
  const detail = parseScope(written)
  if (detail.type !== 'aws') throw new InvalidArgumentError('It is that of an AWS role.')
  return detail
}

async function awsCredentials(options: BrokerOptions & { scope?: AuthorizationDetail }): Promise<void> {
  const task = taskFromEnvironment(process.env)
  if (!task)
    throw new Failure(
      'failed',
      'this runs outside any task',
      'Run it under `mayfly run`, or set MAYFLY_TASK and MAYFLY_TASK_TOKEN.',
    )
  const client = connect(options)
  const detail = options.scope ?? (await firstRole(client, task))
  const kept = await askForKept(process.env, task, detail)
  const minted = kept ?? (await client.credential(task, detail))
  const written = inFormat('aws', minted)
  if (written === undefined)
    throw new Failure('failed', 'the broker answered with no AWS credential', 'Check --url (MAYFLY_URL).')
  const { lease, credential } = minted
  answer(options, { lease, credential }, [written])
}

async function firstRole(client: Client, task: TaskAccess): Promise<AuthorizationDetail> {
  const { authorization_details: scope } = await client.showTask(task)
  const role = scope.find(({ type }) => type === 'aws')
  if (role) return role
  throw new Failure('failed', 'the scope of this task has no AWS role', 'Open the task with one.')
}
