import type { Command } from 'commander'
import type { Doubtful } from '../../broker/offline.ts'
import { confirm } from '../confirm.ts'
import { Failure, tell } from '../failure.ts'
import { lostSealKeyHelp, seconds, withConfiguration, withJson } from '../options.ts'
import { answer, count } from '../print.ts'

interface AcceptOptions {
  config: string
  reason: string
  within: number
  yes?: boolean
  lostSealKey?: boolean
  json?: boolean
}

export function registerAccept(group: Command): void {
  withJson(withConfiguration(group.command('accept')))
    .summary('let a broker grant again from a store that is not as it was left')
    .description(
      `A broker grants nothing from a store that somebody else has written to, or that
is older than the head kept outside it, as a restored backup is: it would bring
back tasks, used tokens and fences as they were. This says what is wrong, ends
every task that is open in the store, revokes what it holds, and has the broker
take what is left for what there is.

No broker may be running on the store. Run it as the broker's own user; the
record names that user. What was altered stays so, and \`mayfly audit verify\`
goes on naming it. What was done since a backup was made is unknown to it: end
that upstream.

A store that another seal key wrote is not touched. If that key is lost for
good, --lost-seal-key has the store accepted under the one that is configured:
what only the lost key could open cannot be revoked, and is named.

The exit status is 1 when a credential may still work, or the store cannot be
granted from for another reason. With --json the answer is { "accepted",
"doubts", "damaged_rows", "tasks", "leases", "alive" }.`,
    )
    .requiredOption('--reason <text>', 'why; goes on record')
    .option('--yes', 'do not ask')
    .option('--within <seconds>', 'how long upstreams that fail are tried again', seconds, 60)
    .option('--lost-seal-key', lostSealKeyHelp)
    .action(accept)
}

async function accept(options: AcceptOptions): Promise<void> {
  // Loaded only now: it is most of the broker.
  const [{ prepareOffline, offlineActor }, { acceptOffline }, { StoreInUse }, { isOver }] = await Promise.all(
    [
      import('../offline.ts'),
      import('../../broker/offline.ts'),
      import('../../store/address.ts'),
      import('../../leases/lease.ts'),
    ],
  )
  const { settings, obstacles, given } = await prepareOffline(options.config)
  const { reason, within, lostSealKey } = options
  const confirmed = async (found: Doubtful) => {
    tell(wrong(found))
    return options.yes === true || (await confirm('End all of it, and accept the store as it stands? [y/N] '))
  }
  const order = { reason, actor: offlineActor(), confirmed }
  const { found, report, left } = await acceptOffline(settings, order, {
    ...given,
    patienceMs: within * 1000,
    isKeyLost: lostSealKey,
  }).catch((error: unknown) => {
    if (!(error instanceof StoreInUse)) throw error
    throw new Failure('failed', error.message, 'Stop that broker first.')
  })
  const sound = found.doubts.length === 0 && found.damaged.length === 0
  if (!report && !sound)
    throw new Failure('not_confirmed', 'nothing was accepted, and nothing ended', 'Answer y, or give --yes.')
  const alive = report?.leases.filter((lease) => !isOver(lease)).length ?? 0
  answer(
    options,
    {
      accepted: report !== undefined,
      doubts: found.doubts,
      damaged_rows: found.damaged.length,
      tasks: report?.tasks ?? [],
      leases: report?.leases.length ?? 0,
      alive,
    },
    report
      ? [
          `accepted: ended ${count(report.tasks.length, 'task')}; ${count(report.leases.length, 'lease')}, of which ${alive} may still work`,
        ]
      : ['the store is as it was left: there is nothing to accept'],
  )
  if (left.length > 0)
    throw new Failure(
      'failed',
      `the store is still in doubt: ${left.join('; ')}`,
      'Put that right, and run this again.',
    )
  if (alive > 0)
    throw new Failure(
      'not_revoked',
      `${count(alive, 'lease')} may still work upstream`,
      'Start the broker: it goes on revoking them.',
      { particulars: [...obstacles] },
    )
}

function wrong({ doubts, damaged, tasks, leases }: Doubtful): string[] {
  return [
    ...doubts.map((doubt) => `in doubt: ${doubt}`),
    ...(damaged.length === 0
      ? []
      : [`damaged:  ${damaged.map(({ table, row }) => `${table} ${row}`).join(', ')}`]),
    `open:     ${count(tasks, 'task')}, ${count(leases, 'lease')} that may work`,
  ]
}
