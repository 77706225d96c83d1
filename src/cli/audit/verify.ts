import { type Command, InvalidArgumentError } from 'commander'
import type { Head } from '../../audit/event.ts'
import type { Discrepancy, Verification } from '../../audit/verify.ts'
import { verifyExport } from '../../audit/verify-export.ts'
import { createSeal } from '../../base/seal.ts'
import type { Configuration } from '../../config/load.ts'
import { readConfiguration } from '../configuration.ts'
import { Failure } from '../failure.ts'
import { withConfiguration, withJson } from '../options.ts'
import { answer } from '../print.ts'
import { exportedEvents } from './exported.ts'
import { verifyStore } from './verify-store.ts'

export function registerVerify(group: Command): void {
  withJson(withConfiguration(group.command('verify')))
    .summary('verify that the record is complete and unaltered')
    .description(
      `Verifies every event of the record against the seal keys, then the tables
against the record. Works beside a running broker or without one, and writes
nothing.

A store put back to an earlier state, or a copy that lacks the newest events, is
told by the head that the broker keeps outside it, beside the seal key
(\`audit.last_head\`), or by one that was noted: the log has one for every commit
("audit head"). Give it as --head.

With --export it verifies a file that \`mayfly audit export\` wrote, with the seal
keys of the configuration and without its store: that every event is genuine,
and that none between the first and the last is missing. An export with filters
other than --since and --until has gaps, which are named.

The exit status is 1 when anything is not as it was written; the first bad seq
is named. It is 1 too when retention has removed the event whose head is given:
then nothing can be told by that. With --json the answer is { "intact",
"events", "pruned", "head", "first_bad_seq", "discrepancies" }; "pruned" is the
last event that retention has removed, 0 where there is none.`,
    )
    .option('--export <file>', 'verify this export in place of the store; - for stdin')
    .option('--head <seq:mac>', 'a head that was noted earlier, which the record must still reach', head)
    .action(verify)
}

interface VerifyOptions {
  config: string
  json?: boolean
  head?: Head
  export?: string
}

async function verify(options: VerifyOptions): Promise<void> {
  const { configuration } = await readConfiguration(options.config)
  const found = await verified(configuration, options)
  const { events, pruned = 0, head: end, discrepancies } = found
  const intact = discrepancies.length === 0
  if (intact && found.isHeadPruned) throw prunedHead(options.head!, pruned)
  const seqs = discrepancies.flatMap(({ seq }) => seq ?? [])
  const firstBadSeq = seqs.length > 0 ? Math.min(...seqs) : null
  const headText = `${end.seq}:${end.mac}`
  if (intact || options.json)
    answer(options, { intact, events, pruned, head: headText, first_bad_seq: firstBadSeq, discrepancies }, [
      `intact: ${events} events, head ${headText}${pruned > 0 ? `; those up to ${pruned} were pruned` : ''}`,
    ])
  if (intact) return
  if (options.json) process.exitCode = 1
  else
    throw notIntact(
      discrepancies,
      firstBadSeq,
      options.export === undefined ? remedies.store : remedies.export,
    )
}

/** What an export does not tell. */
type OfStore = 'pruned' | 'isHeadPruned'

function verified(
  configuration: Configuration,
  { export: file, head: expected }: VerifyOptions,
): Promise<Omit<Verification, OfStore> & Partial<Pick<Verification, OfStore>>> {
  if (file === undefined) return verifyStore(configuration, expected)
  return verifyExport(exportedEvents(file), { seal: createSeal(configuration.sealKeys), expected })
}

const remedies = {
  store:
    'Keep a copy of the store as it is, revoke with `mayfly admin revoke --all --reason TEXT`, and find out who could write to it. If you restored a backup: `mayfly store accept`.',
  export: 'Export it again: where the record itself is intact, the file was altered, or made with filters.',
}

function prunedHead({ seq }: Head, pruned: number): Failure {
  return new Failure(
    'failed',
    `event ${seq} was pruned since its head was noted, which can no longer be held against the record; from event ${pruned + 1} on that is intact`,
    `Give the head of event ${pruned} or of a later one, as the log has it, or none.`,
  )
}

function notIntact(discrepancies: Discrepancy[], firstBadSeq: number | null, remedy: string): Failure {
  const particulars = discrepancies.map(inWords)
  const keys = new Set(discrepancies.map(({ key }) => key))
  if (!keys.has(undefined))
    return new Failure(
      'not_intact',
      `the record cannot be verified without the seal key ${[...keys].join(', ')}`,
      'Put it back under `seal.keys`, behind the first; if there never was such a key, the record was altered.',
      { particulars },
    )
  return new Failure(
    'not_intact',
    firstBadSeq === null
      ? 'the tables are not what the record says'
      : `the record is not intact: the first bad event is ${firstBadSeq}`,
    remedy,
    { particulars },
  )
}

function inWords({ seq, subject, message }: Discrepancy): string {
  const what = [seq === undefined ? undefined : `event ${seq}`, subject].filter((part) => part !== undefined)
  // The store as a whole is none of them.
  return what.length === 0 ? message : `${what.join(', ')}: ${message}`
}

function head(written: string): Head {
  const { seq, mac } = /^(?<seq>\d{1,15}):(?<mac>[\w-]{43})$/.exec(written)?.groups ?? {}
  if (seq === undefined || mac === undefined)
    throw new InvalidArgumentError('It is SEQ:MAC, as the log has it under `audit head`.')
  return { seq: Number(seq), mac }
}
