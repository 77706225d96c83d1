import { Argument, type Command } from 'commander'
import { text } from 'node:stream/consumers'
import { dockerCredential } from '../client/docker-credential.ts'
import { askForKept } from '../client/run/git-socket.ts'
import { taskFromEnvironment } from '../client/task-environment.ts'
import { Failure } from './failure.ts'
import { type BrokerOptions, connect, withBroker } from './options.ts'
import { oneLine } from './print.ts'

export function register(program: Command): void {
  withBroker(program.command('docker-credential'))
    .summary('be a credential helper of Docker')
    .description(
      `Speaks Docker's credential helper protocol on stdin and stdout, inside a task
(MAYFLY_TASK and MAYFLY_TASK_TOKEN). Docker calls it by the name
docker-credential-mayfly, which is on the PATH of a run.

get    answers for ghcr.io (of a GitHub of your own: containers.HOST) with a
       token of what the task's scope has with \`packages\`; for any other
       registry, or where there is none, Docker goes on without a login
list   names the registries that there is something for
erase  does nothing, and store is refused: nothing is ever written anywhere`,
    )
    .addArgument(new Argument('<action>', 'what Docker asks for').choices(['get', 'list', 'erase', 'store']))
    .addHelpText(
      'after',
      `
Example, of ~/.docker/config.json:
  { "credHelpers": { "ghcr.io": "mayfly" } }
and then
  mayfly run --purpose 'publish the image' \\
    --scope github:acme/web:contents=read,packages=write -- docker push ghcr.io/acme/web`,
    )
    .action(answerDocker)
}

type Action = 'get' | 'list' | 'erase' | 'store'

async function answerDocker(action: Action, options: BrokerOptions): Promise<void> {
  const input = action === 'list' ? '' : await text(process.stdin)
  if (action === 'erase') return
  try {
    if (action === 'store') throw new Failure('failed', 'nothing is kept here', 'Log in with another helper.')
    const task = taskFromEnvironment(process.env)
    if (!task)
      throw new Failure(
        'failed',
        'docker runs outside any task',
        'Run it under `mayfly run`, or set MAYFLY_TASK and MAYFLY_TASK_TOKEN.',
      )
    const client = connect(options)
    const answered = await dockerCredential(action, input, {
      task: () => client.showTask(task),
      mint: async (detail) =>
        (await askForKept(process.env, task, detail)) ?? (await client.credential(task, detail)),
    })
    process.stdout.write(`${answered}\n`)
  } catch (error) {
    // Docker shows what is on stdout, and knows by it whether to go on without.
    process.stdout.write(`${oneLine(error instanceof Error ? error.message : 'unknown error')}\n`)
    throw error
  }
}
