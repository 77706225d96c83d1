/** What is held and how many there are: from the counts, and from the rows where somebody else has altered one. */
import type { ExpressionBuilder, Selectable } from 'kysely'
import type { Share } from '../agents/registry.ts'
import { type LeaseStore, lostStatuses, unfinishedStatuses } from '../leases/lease.ts'
import { classes } from '../provider/terms.ts'
import type { Tx } from '../base/unit.ts'
import { isTime } from './columns.ts'
import { classesOf, countOf } from './counts.ts'
import type { Schema } from './schema.ts'
import { queries, rowsIn } from './transaction.ts'

type Held = Parameters<LeaseStore['lockHeld']>[1]

/** What somebody holds, or may yet be given: all that is not over, but for what was lost on its way. */
function isHeld(e: ExpressionBuilder<Schema, 'leases'>) {
  return e.and([
    e('status', 'in', unfinishedStatuses),
    e.or([e('status', 'not in', lostStatuses), e('fingerprint', 'is not', null)]),
  ])
}

/** Whether there is anything of a damaged lease that could still work. */
function mayLive(row: Selectable<Schema['leases']> | undefined): boolean {
  return row !== undefined && (row.due_at !== null || row.handle !== null)
}

/** The columns that say whose a row is. */
function columnsOf({ agent, owner }: Share): { agent: string; owner?: string } {
  return owner === undefined ? { agent } : { agent, owner }
}

function heldByRows(tx: Tx, { identity, ...share }: Held) {
  const live = queries(tx).selectFrom('leases').select('classes').distinct().where(isHeld)
  // Parts, each with an index of its own: one condition for all would have none.
  return live
    .where((e) => e.and(columnsOf(share)))
    .union(live.where('identity', '=', identity))
    .execute()
}

async function countByRows(tx: Tx, share: Share): Promise<{ held: number; lost: number }> {
  const count = (which: 'held' | 'lost') =>
    queries(tx)
      .selectFrom('leases')
      .select((e) => e.fn.countAll<number>().as('n'))
      .where((e) => e.and(columnsOf(share)))
      .where((e) =>
        which === 'held' ? isHeld(e) : e.and([e('status', 'in', lostStatuses), e('fingerprint', 'is', null)]),
      )
      .executeTakeFirstOrThrow()
  return { held: (await count('held')).n, lost: (await count('lost')).n }
}

async function countOfShare(tx: Tx, share: Share): Promise<{ held: number; lost: number }> {
  const count = await rowsIn(tx).count(countOf.share(share), 'leases')
  if (!count) return await countByRows(tx, share)
  return { held: count['held'] ?? 0, lost: count['lost'] ?? 0 }
}

async function countByRowsOfAll(tx: Tx): ReturnType<LeaseStore['countByStatus']> {
  return await queries(tx)
    .selectFrom('leases')
    .select(['provider', 'status', (e) => e.fn.countAll<number>().as('count')])
    .where('status', 'in', unfinishedStatuses)
    .groupBy(['provider', 'status'])
    .execute()
}

export const leaseCounts: Pick<
  LeaseStore,
  'lockHeld' | 'countUnfinished' | 'countLive' | 'countLost' | 'countByStatus' | 'whenFree'
> = {
  async lockHeld(tx, whose) {
    // The locks that the contract asks for are those of the commit itself: works that write take turns.
    const rows = rowsIn(tx)
    // Of a damaged row nobody knows whose it is, nor what it holds.
    for (const id of rows.damaged('leases'))
      if (mayLive(await rows.one('leases', 'id', id))) return [...classes]
    // Sent together.
    const [share, identity, ...ofTasks] = await Promise.all([
      rows.count(countOf.share(whose), 'leases'),
      rows.count(countOf.identity(whose.identity), 'leases'),
      ...whose.tasks.map((task) => rows.found('held', task)),
    ])
    const held = new Set(ofTasks.flat().flatMap(classesOf))
    if (!share || !identity)
      for (const row of await heldByRows(tx, whose)) classesOf(row).forEach((each) => held.add(each))
    return classes.filter((each) => held.has(each) || share?.[`class ${each}`] || identity?.[`class ${each}`])
  },

  async countUnfinished(tx, whose, task) {
    const [{ held }, ofTask] = await Promise.all([countOfShare(tx, whose), rowsIn(tx).found('held', task)])
    return { agent: held, task: ofTask.reduce((sum, { n }) => sum + Number(n), 0) }
  },

  async countLive(tx, agent) {
    const { held, lost } = await countOfShare(tx, { agent })
    return held + lost
  },

  async countLost(tx, whose) {
    return (await countOfShare(tx, whose)).lost
  },

  async countByStatus(tx) {
    // A prefix as a range: `like` would have no index.
    const counts = await rowsIn(tx).allCounts('provider ', 'provider!', 'leases')
    if (!counts) return await countByRowsOfAll(tx)
    return counts.flatMap(([key, count]) => {
      const provider = key.slice(countOf.provider('').length)
      return Object.entries(count).map(([status, n]) => ({ provider, status, count: n }))
    })
  },

  async whenFree(tx, whose, most) {
    const held = await queries(tx)
      .selectFrom('leases')
      .select(['status', 'deadline', 'due_at', 'failing_since', 'upstream_expires_at', 'live_until'])
      .where((e) => e.and('agent' in whose ? columnsOf(whose) : whose))
      .where(isHeld)
      .execute()
    const ends = held.map((lease) => {
      if (lease.status === 'active') return lease.deadline
      // Of one that failed before, an attempt may fail again; its own end will not.
      if (lease.failing_since === null) return lease.due_at
      return lease.upstream_expires_at ?? lease.live_until ?? lease.due_at
    })
    const sooner = ends.filter(isTime).toSorted((a, b) => a - b)
    const active = held.filter(({ status }) => status === 'active').length
    return { active, next: sooner[Math.max(0, held.length - most)] ?? null }
  },
}
