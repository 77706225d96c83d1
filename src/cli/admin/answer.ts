/** `admin approve` and `admin deny`: an answer to exactly one request, seen as a whole. */
import type { Command } from 'commander'
import type { ApprovalRequest } from '../../client/client.ts'
import { digestOf } from '../../tasks/approval-digest.ts'
import { confirm } from '../confirm.ts'
import { taskLines } from '../describe.ts'
import { Failure, tell } from '../failure.ts'
import { connect } from '../options.ts'
import { answer } from '../print.ts'
import { type AdminOptions, adminToken, withAdmin } from './options.ts'
import { requestLines } from './request.ts'

interface AnswerOptions extends AdminOptions {
  reason?: string
  yes?: boolean
  digest?: string
}

type Verb = 'approve' | 'deny'

export function registerAnswers(group: Command): void {
  register(
    group,
    'approve',
    'say yes to one request',
    'The task becomes active with the last yes it waits for.',
  )
  register(group, 'deny', 'say no to one request', 'The task ends.')
}

function register(group: Command, verb: Verb, summary: string, effect: string): void {
  withAdmin(group.command(verb))
    .summary(summary)
    .description(
      `Shows the whole request, then asks.
${effect}
Needs the rights "read" and "approve", the latter of the group that is asked.

The answer is bound to the digest of what was shown: should the request be
another one by then, it is refused. A script has no terminal to be asked on; it
says with --yes --digest which request it has seen (\`admin approvals --json\`).`,
    )
    .argument('<id>', 'the approval (`admin approvals` lists them)')
    .option('--reason <text>', 'why; goes on record')
    .option('--yes', 'do not ask; needs --digest')
    .option('--digest <digest>', 'answer only if this is the digest of the request')
    .action((id: string, options: AnswerOptions, command: Command) => run(verb, id, options, command))
}

async function run(verb: Verb, id: string, options: AnswerOptions, command: Command): Promise<void> {
  if (options.yes && options.digest === undefined)
    command.error('error: --yes needs the --digest of the request that you have seen')
  const client = connect(options)
  const identity = await adminToken(options)
  const { items } = await client.list(identity, 'approvals', { id })
  const asked = items.find((item) => item.id === id)
  if (!asked)
    throw new Failure('failed', `there is no approval ${id}`, 'List them with `mayfly admin approvals`.')
  const digest = digestShown(asked)
  if (options.digest !== undefined && options.digest !== digest)
    throw new Failure(
      'not_confirmed',
      'the request has another digest than the one given',
      'Look at it again with `mayfly admin approvals --json`, then answer what it is now.',
      { facts: { approval: asked } },
    )
  if (asked.status !== 'pending')
    throw new Failure(
      'failed',
      `this is no longer waiting: it is ${asked.status}`,
      'See `mayfly admin approvals`.',
    )
  // Under --json what a script asked to be answered is part of the answer instead.
  if (!options.json || !options.yes) tell(requestLines(asked))
  if (!options.yes) await askFirst(verb, asked.group)

  const reply = { digest, ...(options.reason !== undefined && { reason: options.reason }) }
  const task = await client[verb](identity, id, reply)
  answer(options, { ...task, answered: asked }, taskLines(task))
}

/** The digest of what is about to be shown, computed here: a digest sent along proves nothing. */
function digestShown({ request, digest }: ApprovalRequest): string {
  // Member by member, as they are shown: one that is not would be approved unseen.
  const { task, agent, issuer, subject, purpose, scope, ttl, context, parent, groups } = request
  const computed = digestOf({ task, agent, issuer, subject, purpose, scope, ttl, context, parent, groups })
  if (computed === digest) return computed
  throw new Failure(
    'failed',
    'the digest is not that of the request as the broker shows it',
    'Use the version of this program that the broker has; if it is the same, do not approve, and look at the record.',
  )
}

async function askFirst(verb: Verb, group: string): Promise<void> {
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new Failure(
      'not_confirmed',
      'there is no terminal to ask on',
      'Answer on a terminal, or give --yes and the --digest of the request that you have seen.',
    )
  if (await confirm(`${verb === 'approve' ? 'Approve' : 'Deny'} this, for ${group}? [y/N] `)) return
  throw new Failure('not_confirmed', 'nothing was answered', 'Run it again to answer.')
}
