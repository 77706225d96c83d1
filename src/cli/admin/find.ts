/** `admin find`: whose a token is that turned up in a log, a chat or a repository. */
import { readFile } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import type { Command } from 'commander'
import { sha256 } from '../../base/sha256.ts'
import type { Clue, Findings } from '../../client/client.ts'
import { leaseLine, taskLines } from '../describe.ts'
import { Failure } from '../failure.ts'
import { connect } from '../options.ts'
import { answer } from '../print.ts'
import { type AdminOptions, adminToken, withAdmin } from './options.ts'

interface FindOptions extends AdminOptions {
  file?: string
}

export function registerFind(group: Command): void {
  withAdmin(group.command('find'))
    .summary('whose a token is that turned up somewhere')
    .description(
      `Says which task and agent a task token or a credential belongs to, and how it
stands. Needs the right "read".

The token itself is not sent: the broker is asked by its SHA-256. Do not write
it on the command line, where other users of the machine and the shell's
history see it: give - and put it on stdin, or --file. A SHA-256 (in hex, or in
base64 as GitHub's audit log has it), an AWS access key id and a Vault accessor
are no secrets.

A task token is known for as long as its task is, a credential while it may
work. One that is over is found by its fingerprint, what upstream's own log
calls it: GitHub's is the token's SHA-256, so the token is enough; AWS's is the
access key id, Vault's the accessor.

The exit status is 1 where it is unknown. With --json the answer is { "items" }.`,
    )
    .argument('[token]', 'the token, its SHA-256 or its fingerprint; - reads it from stdin')
    .option('--file <file>', 'a file that holds it')
    .addHelpText(
      'after',
      `
Examples:
  mayfly admin find --file leaked.txt
  pbpaste | mayfly admin find -
  mayfly admin find ASIAEXAMPLEEXAMPLE12`,
    )
    .action(find)
}

async function find(written: string | undefined, options: FindOptions, command: Command): Promise<void> {
  if ((written === undefined) === (options.file === undefined))
    command.error('error: exactly one of a token, - and --file is needed')
  const clue = clueOf(await read(written, options.file))
  const found = await connect(options).find(await adminToken(options), clue)
  if (found.items.length === 0)
    throw new Failure(
      'failed',
      'this broker knows no such token',
      'If it is a credential that is over, give its fingerprint: the access key id (AWS) or the accessor (Vault).',
    )
  answer(options, found, found.items.flatMap(lines))
}

async function read(written: string | undefined, file: string | undefined): Promise<string> {
  if (written !== undefined && written !== '-') return written.trim()
  try {
    return (file === undefined ? await text(process.stdin) : await readFile(file, 'utf8')).trim()
  } catch {
    throw new Failure('failed', `${file ?? 'stdin'} cannot be read`, 'Name a file that holds the token.')
  }
}

/** A secret leaves as its hash alone. What is sent as it is has the shape of something that upstreams log. */
function clueOf(given: string): Clue {
  if (/^[0-9a-f]{64}$/i.test(given)) return { hash: given.toLowerCase() }
  if (/^[\w+/-]{43}=$/.test(given)) return { hash: Buffer.from(given, 'base64').toString('hex') }
  const logged = /^A[SK]IA[A-Z0-9]{12,}$/.test(given) || /^[A-Za-z0-9]{24}(?:\.[A-Za-z0-9]+)?$/.test(given)
  return { hash: sha256(given), ...(logged && { fingerprint: given }) }
}

function lines({ kind, task, lease }: Findings['items'][number]): string[] {
  return [
    kind === 'task_token' ? `the token of ${task.id}` : `a credential of ${task.id}`,
    ...(lease ? [`  ${leaseLine(lease)}`] : []),
    ...taskLines({ ...task, leases: lease ? [] : task.leases }),
  ]
}
