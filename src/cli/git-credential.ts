import { type Command, InvalidArgumentError } from 'commander'
import { gitCredential } from '../client/git-credential.ts'
import { gitAnswer } from '../client/mcp/helpers.ts'
import { GitTokens, NoGitCredential } from '../client/git-tokens.ts'
import { KeptCredentials } from '../client/kept.ts'
import { askRun, socketVariable } from '../client/run/git-socket.ts'
import { taskFromEnvironment } from '../client/task-environment.ts'
import { systemClock } from '../base/clock.ts'
import { endpointFault } from '../base/endpoint.ts'
import { Failure } from './failure.ts'
import { type BrokerOptions, connect, withBroker } from './options.ts'

export interface GitHostOptions {
  gitHost?: string[]
}

export const defaultGitHosts = ['https://github.com']

export function register(program: Command): void {
  withGitHosts(withBroker(program.command('git-credential')))
    .summary("act as git's credential helper")
    .description(
      `Speaks git's credential helper protocol on stdin and stdout, inside a task
(MAYFLY_TASK and MAYFLY_TASK_TOKEN). \`mayfly run\` sets git up to call it.

get    answers with a token for the one repository that git names, or its wiki,
       with what the task's scope allows on its contents. In \`mayfly run\` one is
       minted for each repository and kept for the calls that follow; where the
       scope has more than 20 repositories, one for each scope. Elsewhere each
       call mints. All of them die with the task. What an assistant was granted
       through \`mayfly mcp\` beside the task counts too.
erase  gives back the token that a server has refused.
store  is ignored: nothing is ever written anywhere.

What is outside the task's scope is refused with \`quit=1\`, so that git neither
asks other helpers nor a human. A host that is not named is left to others.`,
    )
    .argument('<action>', 'get, store or erase')
    .addHelpText(
      'after',
      `
Example, in a shell that holds a task (see \`mayfly task open --env\`):
  git -c credential.helper= -c credential.helper='!mayfly git-credential' \\
      -c credential.useHttpPath=true clone https://github.com/acme/web.git`,
    )
    .action(answerGit)
}

/** `--git-host`: where the tokens of GitHub scopes belong. The broker knows the API's address only. */
export function withGitHosts(command: Command): Command {
  return command.option(
    '--git-host <origin>',
    `the GitHub that git talks to; may be repeated (default: ${defaultGitHosts.join()})`,
    addGitHost,
  )
}

function addGitHost(written: string, earlier: string[] = []): string[] {
  const fault = endpointFault(written)
  if (fault !== undefined) throw new InvalidArgumentError(`It ${fault}.`)
  const { origin, pathname } = new URL(written)
  if (pathname !== '/') throw new InvalidArgumentError('It is an origin, https://HOST, without a path.')
  return [...earlier, origin]
}

async function answerGit(action: string, options: BrokerOptions & GitHostOptions): Promise<void> {
  try {
    process.stdout.write(await answerTo(action, await question(), options))
  } catch (error) {
    // Whatever is wrong: with another helper's login, git would reach beyond the task.
    if (action === 'get') process.stdout.write('quit=1\n')
    throw error instanceof NoGitCredential ? new Failure('failed', error.message, error.remedy) : error
  }
}

/** Of the run that this is part of, which keeps tokens, or else of the broker. */
async function answerTo(
  action: string,
  input: string,
  options: BrokerOptions & GitHostOptions,
): Promise<string> {
  const { MAYFLY_TASK: id = '', MAYFLY_TASK_TOKEN: token = '', [socketVariable]: socket } = process.env
  const hosts = options.gitHost ?? defaultGitHosts
  // What was asked for besides comes first: it is more than the task had when it was opened.
  const meeting = { url: options.url, task: taskFromEnvironment(process.env) }
  const opened = await gitAnswer(meeting, process.env, { action, input, hosts })
  if (opened !== undefined) return opened
  const kept = socket ? await askRun(socket, { task: { id, token }, action, input }) : undefined
  return kept ?? (await gitCredential(action, input, { tokens: () => tokensOf(options), hosts }))
}

function tokensOf(options: BrokerOptions): GitTokens {
  const [client, task] = [connect(options), taskOfGit()]
  // For one call, in which nothing comes to its end.
  const kept = new KeptCredentials({ client, task, clock: systemClock(), ends: Infinity })
  return new GitTokens({ client, task, kept })
}

/** What git writes, up to the blank line that ends it: who calls by hand may leave the stream open. */
async function question(): Promise<string> {
  let read = ''
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    read += String(chunk)
    if (read.endsWith('\n\n') || read === '\n') break
  }
  return read
}

function taskOfGit() {
  const task = taskFromEnvironment(process.env)
  if (task) return task
  throw new NoGitCredential(
    'git runs outside any task',
    'Run it under `mayfly run`, or set MAYFLY_TASK and MAYFLY_TASK_TOKEN.',
  )
}
