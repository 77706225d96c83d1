/** The alarm when somebody else has written to the store: it is logged and recorded, and doubtful leases are revoked. */
import { type StoredLease, unfinishedStatuses } from '../leases/lease.ts'
import type { Intrusion } from '../store/inspection.ts'
import type { TaskContext } from '../tasks/context.ts'

/** To be called with what is known at the start, and whenever something else is. */
export function createAlarm(context: TaskContext): (intrusion: Intrusion) => void {
  const told = new Set<string>()
  const isNews = (what: string) => {
    const news = !told.has(what)
    told.add(what)
    return news
  }
  return ({ doubts, damaged }) => {
    for (const doubt of doubts.filter(isNews))
      context.log.error({ doubt }, 'the store is not as it was left, and nothing is granted from it')
    if (doubts.length > 0 && isNews(JSON.stringify(doubts))) record(context, doubts)
    for (const { table, row } of damaged.filter((each) => isNews(JSON.stringify(each)))) {
      context.log.error({ table, row }, 'a row is not as it was written, and grants nothing')
      if (table === 'leases') end(context, row)
    }
  }
}

function record({ unit, audit, clock, log }: TaskContext, doubts: readonly string[]): void {
  unit
    .write(async (tx) =>
      audit.record(tx, { at: clock.now(), type: 'store.doubted', actor: 'broker', data: { doubts } }),
    )
    .catch((error: unknown) => log.error({ err: error }, 'a doubt about the store could not be recorded'))
}

function end({ unit, leases, revoker, log }: TaskContext, id: string): void {
  unit
    .read((tx) => leases.get(tx, id))
    .then((lease) => (lease && mayLive(lease) ? revoker.revoke(lease) : undefined))
    .catch((error: unknown) => log.error({ err: error, lease: id }, 'a damaged lease could not be read'))
}

/** Of what has no handle and is over by what its row says there is nothing that could be revoked. */
function mayLive({ handle, status }: StoredLease): boolean {
  return handle !== null || (unfinishedStatuses as readonly string[]).includes(status)
}
