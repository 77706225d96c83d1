/** The core without its edges: a real store and reaper, a clock that stands still, and an upstream in memory. */
import { expect } from 'vitest'
import { Changes } from '../../src/tasks/changes.ts'
import { Heartbeats } from '../../src/tasks/heartbeats.ts'
import { federationKeys } from '../../src/store/installation.ts'
import type { EventType } from '../../src/audit/event.ts'
import { asRead } from '../../src/base/damage.ts'
import { BrokerError } from '../../src/base/errors.ts'
import { identityOf } from '../../src/identity/principal.ts'
import { Connections, type ConnectionEntry } from '../../src/leases/connections.ts'
import type { LeaseContext } from '../../src/leases/context.ts'
import type { Lease } from '../../src/leases/lease.ts'
import { intend } from '../../src/leases/intend.ts'
import { mint, type MintedLease } from '../../src/leases/mint.ts'
import { Revoker } from '../../src/leases/revoke.ts'
import { approvals } from '../../src/store/approvals.ts'
import { fences } from '../../src/store/fences.ts'
import { delegations } from '../../src/store/delegations.ts'
import { idempotency } from '../../src/store/idempotency.ts'
import type { TaskContext } from '../../src/tasks/context.ts'
import { endTask } from '../../src/tasks/end.ts'
import { Reaper } from '../../src/tasks/reaper.ts'
import type { EndReason, Task } from '../../src/tasks/task.ts'
import { Unrecorded } from '../../src/tasks/unrecorded.ts'
import { aTask, events, hour, noon } from './store.ts'
import { type SqliteSubject, sqliteStore } from './sqlite.ts'
import { type ManualClock, manualClock } from './clock.ts'
import { until } from './until.ts'
import { type FakeUpstream, upstream } from './fake-upstream.ts'

export interface Core extends AsyncDisposable {
  clock: ManualClock
  store: SqliteSubject
  context: TaskContext
  revoker: Revoker
  reaper: Reaper
  upstream: FakeUpstream
  /** Messages logged as errors. */
  errors: string[]
  open(changed?: Partial<Task>): Promise<Task>
  mint(task: Task, options?: { through?: FakeUpstream; gone?: AbortSignal }): Promise<MintedLease>
  /** A new task of an hour, and a lease of it. */
  minted(through?: FakeUpstream): Promise<{ task: Task; lease: Lease }>
  /** Ends the task; its leases are left to the reaper. */
  end(task: Task, reason?: EndReason): Promise<void>
  lease(id: string): Promise<Lease>
  /** Waits until the task has a lease that is being minted. */
  intended(task: Task): Promise<void>
  /** The lease of a task that has one. */
  leaseOf(task: Task): Promise<Lease>
  task(id: string): Promise<Task>
  /** Types of the events about this task or lease, in order. */
  history(id: string): Promise<EventType[]>
  /** Moves time on, and waits until all that is due has been looked at. */
  pass(ms: number): Promise<void>
  quiet(): Promise<void>
}

/** How long `quiet` waits, in milliseconds of the machine's clock. */
const quietWithinMs = 5_000
/** What is still under way after so many turns of the event loop waits for the clock, or for the test. */
const patience = 100

/** `also`: further connections. Its clock starts at noon. */
export async function startCore(also: (clock: ManualClock) => FakeUpstream[] = () => []): Promise<Core> {
  const clock = manualClock(noon)
  const store = await sqliteStore()
  const first = upstream(clock)
  const upstreams = [first, ...also(clock)]
  const entries = upstreams.map((connection) => entryOf(first, connection))
  const connections = new Connections([first.provider], entries)
  const errors: string[] = []
  const { unit, leases, audit, seal } = store
  const leaseContext: LeaseContext = {
    unit,
    leases,
    audit,
    seal,
    clock,
    log: { info: () => undefined, warn: () => undefined, error: (_, message) => void errors.push(message) },
    connections: () => connections,
    wake: (at) => reaper.wake(at),
  }
  const revoker = new Revoker(leaseContext)
  const { tasks, usedTokens } = store
  const unrecorded = new Unrecorded({ ...leaseContext, revoker })
  const context: TaskContext = {
    ...leaseContext,
    tasks,
    approvals,
    fences,
    delegations,
    idempotency,
    usedTokens,
    federationKeys,
    changes: new Changes(),
    heartbeats: new Heartbeats({ unit, tasks, clock, log: leaseContext.log }),
    approvalPage: () => undefined,
    revoker,
    unrecorded,
    mayGrant: () => undefined,
  }
  const reaper = new Reaper(context)

  const core: Core = {
    clock,
    store,
    context,
    revoker,
    reaper,
    upstream: first,
    errors,
    async open(changed) {
      const task = aTask({ createdAt: clock.now(), expiresAt: clock.now() + 600_000, ...changed })
      await unit.write(async (tx) => {
        await tasks.insert(tx, task, `hash of ${task.id}`)
        const { id, status, agent } = task
        audit.record(tx, { at: clock.now(), type: 'task.opened', actor: `agent:${agent}`, task: id, status })
      })
      reaper.wake(task.expiresAt)
      return task
    },
    async mint(task, { through = first, gone } = {}) {
      const entry = entryOf(first, through)
      const detail = { type: 'fake', name: 'a' }
      const outcome = await unit.write(async (tx) => {
        const now = asRead((await tasks.get(tx, task.id))!)
        if (now.status !== 'active' || now.expiresAt <= clock.now())
          return { refused: new BrokerError('task_not_active', 'the task is over') }
        const { id, agent, owner, principal, expiresAt } = now
        const identity = identityOf(principal)
        const whose = { agent, owner, share: { agent }, issuer: principal.issuer, identity }
        const holder = { task: id, ...whose, deadline: expiresAt }
        return await intend(context, tx, { resolved: { entry, detail, asked: detail }, holder })
      })
      if ('refused' in outcome) throw outcome.refused
      return await mint(context, revoker, { lease: outcome.lease, entry, gone })
    },
    async minted(through) {
      const task = await core.open({ expiresAt: clock.now() + hour })
      const { lease } = await core.mint(task, { ...(through && { through }) })
      return { task, lease }
    },
    async end(task, reason = 'completed') {
      await unit.write((tx) => endTask(context, tx, task, { reason, actor: 'broker' }))
      reaper.wake(clock.now())
    },
    lease: async (id) => asSeen((await unit.read((tx) => leases.get(tx, id)))!),
    async intended({ id }) {
      await until(async () => (await unit.read((tx) => leases.find(tx, { task: id }))).length > 0)
    },
    async leaseOf({ id }) {
      const found = await unit.read((tx) => leases.find(tx, { task: id }))
      expect(found).toHaveLength(1)
      return asSeen(found[0]!)
    },
    task: async (id) => asSeen((await unit.read((tx) => tasks.get(tx, id)))!),
    async history(id) {
      const about = (await events(store)).filter((event) => (event.lease ?? event.task) === id)
      return about.map((event) => event.type)
    },
    async pass(ms) {
      await clock.advance(ms)
      await core.quiet()
    },
    async quiet() {
      const end = performance.now() + quietWithinMs
      for (let turns = 0; ; turns += 1) {
        const { idle, neglected } = await look()
        if (!neglected && (idle || turns > patience)) return
        if (performance.now() > end) throw new Error('something is due that nobody looks at')
      }
    },
    async [Symbol.asyncDispose]() {
      await reaper.stop()
      await store[Symbol.asyncDispose]()
    },
  }

  /** Whether anything is under way, and whether anything is due that is not. */
  async function look(): Promise<{ idle: boolean; neglected: boolean }> {
    await clock.advance(0)
    const before = await isIdle()
    const now = clock.now()
    const due = await unit.read(async (tx) => [
      ...(await tasks.due(tx, now, 1)),
      ...(await leases.due(tx, now, (id) => revoker.isUnderWay(id))),
    ])
    // What was begun while the store was read is neither due any more nor done yet.
    return { idle: before && (await isIdle()), neglected: due.length > 0 }
  }

  /** Whether the revoker has nothing to do. */
  async function isIdle(): Promise<boolean> {
    let idle = false
    void revoker.idle().then(() => (idle = true))
    await new Promise((resolve) => setImmediate(resolve))
    return idle
  }

  await reaper.start()
  return core
}

/** All that a row says, and what is wrong with it, if anything is. */
function asSeen<Row extends object>(row: Row | { damaged: string; says: Row }): Row {
  return 'damaged' in row ? { ...row.says, damaged: row.damaged } : row
}

const entries = new WeakMap<FakeUpstream, ConnectionEntry>()

/** Always the same entry for a connection: the revoker tells connections apart by it. */
function entryOf({ provider }: FakeUpstream, connection: FakeUpstream): ConnectionEntry {
  const entry = entries.get(connection) ?? {
    provider,
    name: connection.name,
    terms: connection,
    upstream: connection,
    retired: false,
  }
  entries.set(connection, entry)
  return entry
}
