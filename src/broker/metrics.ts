/** What Prometheus is told. Each is a count that is kept as things happen, or costs the same however many leases there are. */
import { X509Certificate } from 'node:crypto'
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import { fenceKinds } from '../agents/fence.ts'
import { type AuditEvent, eventTypes } from '../audit/event.ts'
import { atMost, type Clock } from '../base/clock.ts'
import { type ErrorCode, isBrokerError } from '../base/errors.ts'
import { leaseStatuses } from '../leases/lease.ts'
import type { Intrusion } from '../store/inspection.ts'
import { openStatuses, type TaskStatus } from '../tasks/task.ts'
import { RevocationLag } from './revocation-lag.ts'

/** What the store has. */
interface Stored {
  /** How many leases are in each state. */
  leases: { provider: string; status: string; count: number }[]
  /** How many tasks are open, by state. */
  tasks: Partial<Record<TaskStatus, number>>
  /** How many fences stand, of each kind. */
  fences: { kind: string; count: number }[]
}

/** What the gauges show, asked for when they are. */
export interface Sources {
  /** @throws BrokerError `unavailable` while the store cannot be read */
  stored: () => Promise<Stored>
  /** What waits for each connection, and how many calls at once it may have. */
  queues: () => { provider: string; connection: string; revocations: number; looks: number; limit: number }[]
  /** What somebody else has done to the store. */
  intrusion: () => Intrusion
  /** How long the oldest notice waits for each receiver, milliseconds. */
  notices: () => { target: string; ms: number }[]
  /** How many brokers write the store, and how many configurations they run with. */
  brokers: () => { brokers: number; configurations: number }
  /** The clock in use. */
  clock: Clock
}

/** One call of an upstream. */
export interface UpstreamCall {
  provider: string
  connection: string
  operation: 'mint' | 'revoke' | 'probe' | 'recover' | 'maintain'
  seconds: number
  /** Of each that it failed for. */
  failures: readonly Extract<ErrorCode, 'provider_rejected' | 'provider_unavailable' | 'internal'>[]
}

export interface Metrics {
  registry: Registry
  /** Counts what a commit has put on record. */
  committed(events: readonly AuditEvent[]): void
  /**
   * `route` is the pattern, never the path: a label must not be of the caller's choosing.
   * `code` is that of a refusal.
   */
  answered(request: {
    method: string
    route: string
    status: number
    seconds: number
    code?: ErrorCode | undefined
  }): void
  called(call: UpstreamCall): void
  /** Counts a notice that was delivered, or an attempt that failed. */
  notified(target: string, delivered: boolean): void
  /** The certificate that is served from now on, PEM. */
  serves(certificate: string): void
  /** From now on the gauges ask here. */
  watch(sources: Sources): void
}

/** Seconds: a mint takes a fraction of one, and is given up after twenty. */
const callBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20]
/** Seconds: a revocation is meant to take a fraction of one; beyond ten minutes the lease is irrevocable. */
const lagBuckets = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600, 3600]

export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const counter = <Label extends string>(name: string, help: string, labelNames: Label[]) =>
    new Counter({ name, help, labelNames, registers })
  const events = counter('mayfly_events_total', 'Audit events put on record, by type.', ['type'])
  for (const type of eventTypes) events.inc({ type }, 0)
  const requests = new Histogram({
    name: 'mayfly_http_request_duration_seconds',
    help: 'How long requests took, by method, route and status.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers,
  })
  const refusals = counter('mayfly_refusals_total', 'Requests refused, by code.', ['code'])
  const calls = new Histogram({
    name: 'mayfly_upstream_duration_seconds',
    help: 'How long calls of upstreams took, by provider, connection and operation.',
    labelNames: ['provider', 'connection', 'operation'],
    buckets: callBuckets,
    registers,
  })
  const failures = counter(
    'mayfly_upstream_failures_total',
    'What upstreams refused or failed at, by code.',
    ['provider', 'connection', 'operation', 'code'],
  )
  const lag = new Histogram({
    name: 'mayfly_revocation_lag_seconds',
    help: 'How long credentials outlived their deadline, or the decision to end them before it, until they were seen dead.',
    labelNames: ['provider'],
    buckets: lagBuckets,
    registers,
  })
  const lags = new RevocationLag((provider, seconds) => lag.observe({ provider }, seconds))
  const notices = counter('mayfly_notices_total', 'Notices delivered, and attempts at it that failed.', [
    'target',
    'outcome',
  ])
  const certificate = new Gauge({
    name: 'mayfly_certificate_expiry_timestamp_seconds',
    help: 'When the certificate that is served expires, seconds since 1970.',
    registers: [],
  })
  return {
    registry,
    committed(committed) {
      for (const { type } of committed) events.inc({ type })
      lags.committed(committed)
    },
    answered({ method, route, status, seconds, code }) {
      requests.observe({ method, route, status: String(status) }, seconds)
      if (code !== undefined) refusals.inc({ code })
    },
    called({ provider, connection, operation, seconds, failures: failed }) {
      calls.observe({ provider, connection, operation }, seconds)
      for (const code of failed) failures.inc({ provider, connection, operation, code })
    },
    notified: (target, delivered) => notices.inc({ target, outcome: delivered ? 'delivered' : 'failed' }),
    serves(pem) {
      certificate.set(new X509Certificate(pem).validToDate.getTime() / 1000)
      registry.registerMetric(certificate)
    },
    watch: (sources) => registerGauges(registry, sources),
  }
}

/** Milliseconds for the store's part: Prometheus waits ten seconds for all of it, as it comes. */
const storedWithinMs = 2_000

/** Reads the store once for all that ask at once; undefined where it cannot be read now. */
function reader({ stored, clock }: Sources): () => Promise<Stored | undefined> {
  let reading: Promise<Stored | undefined> | undefined
  const read = async () => {
    try {
      return await stored()
    } catch (error) {
      if (isBrokerError(error, 'unavailable')) return undefined
      throw error
    }
  }
  return async () => {
    let found: Stored | undefined
    // One that hangs is not asked a second time.
    reading ??= read().finally(() => (reading = undefined))
    await atMost(
      clock,
      storedWithinMs,
      reading.then((all) => (found = all)),
    )
    return found
  }
}

/** A broker whose store is away still tells of itself: what only the store knows is absent then, neither 0 nor old. */
function registerGauges(registry: Registry, sources: Sources): void {
  const read = reader(sources)
  /** `show` sets what there is; what was there before and is not set is gone. */
  const gauge = <Label extends string>(
    name: string,
    help: string,
    labelNames: Label[],
    show: (gauge: Gauge<Label>) => void | Promise<void>,
  ) =>
    new Gauge<Label>({
      name,
      help,
      labelNames,
      registers: [registry],
      async collect() {
        this.reset()
        await show(this)
      },
    })
  /** The same of what the store has. */
  const storedGauge = <Label extends string>(
    name: string,
    help: string,
    labelNames: Label[],
    show: (gauge: Gauge<Label>, stored: Stored) => void,
  ) =>
    gauge(name, help, labelNames, async (shown) => {
      const stored = await read()
      if (stored) show(shown, stored)
      // Reset, one without labels is 0.
      else if (labelNames.length === 0) shown.remove()
    })
  gauge('mayfly_store_up', 'Whether the store could be read just now: 1, or 0.', [], async (up) =>
    up.set((await read()) ? 1 : 0),
  )
  storedGauge(
    'mayfly_leases',
    'Leases that are not over, by provider and status. Alarm on any that are irrevocable.',
    ['provider', 'status'],
    (leases, stored) => {
      for (const { provider, status, count } of stored.leases)
        if ((leaseStatuses as readonly string[]).includes(status)) leases.set({ provider, status }, count)
    },
  )
  storedGauge('mayfly_open_tasks', 'Tasks that are open, by status.', ['status'], (tasks, stored) => {
    for (const status of openStatuses) tasks.set({ status }, stored.tasks[status] ?? 0)
  })
  storedGauge('mayfly_pending_approvals', 'Tasks that wait for approval.', [], (pending, stored) =>
    pending.set(stored.tasks.pending_approval ?? 0),
  )
  storedGauge(
    'mayfly_fences',
    'Fences that stand, by whom they keep out.',
    ['kind'],
    (fences, { fences: standing }) => {
      for (const kind of fenceKinds)
        fences.set({ kind }, standing.find((each) => each.kind === kind)?.count ?? 0)
    },
  )
  gauge(
    'mayfly_queue_length',
    'Revocations, and looks at what became of them, that wait for a turn at their connection.',
    ['provider', 'connection', 'queue'],
    (queues) => {
      for (const { provider, connection, revocations, looks } of sources.queues()) {
        queues.set({ provider, connection, queue: 'revocations' }, revocations)
        queues.set({ provider, connection, queue: 'looks' }, looks)
      }
    },
  )
  gauge(
    'mayfly_upstream_concurrency',
    'How many calls at once a connection was found to take.',
    ['provider', 'connection'],
    (limits) => {
      for (const { provider, connection, limit } of sources.queues())
        limits.set({ provider, connection }, limit)
    },
  )
  gauge(
    'mayfly_store_doubts',
    'Reasons why nothing is granted: the store is not as it was left. Alarm on any.',
    [],
    (doubts) => doubts.set(sources.intrusion().doubts.length),
  )
  gauge(
    'mayfly_damaged_rows',
    'Rows of the store that somebody else has written. Alarm on any.',
    [],
    (rows) => rows.set(sources.intrusion().damaged.length),
  )
  gauge(
    'mayfly_notice_age_seconds',
    'How long the oldest notice waits that its receiver has not taken; 0 where it has all.',
    ['target'],
    (ages) => {
      for (const { target, ms } of sources.notices()) ages.set({ target }, ms / 1000)
    },
  )
  // As the store had it at the last look: while nobody can look, that says nothing.
  storedGauge('mayfly_brokers', 'Brokers that write the store, this one among them.', [], (brokers) =>
    brokers.set(sources.brokers().brokers),
  )
  storedGauge(
    'mayfly_broker_configurations',
    'How many configurations the brokers on the store run with. Alarm where they go on differing.',
    [],
    (configurations) => configurations.set(sources.brokers().configurations),
  )
  gauge(
    'mayfly_clock_ahead_seconds',
    "How far the time in use is ahead of the machine's clock: the clock was set back, or once ran ahead.",
    [],
    (ahead) => ahead.set(Math.max(0, sources.clock.now() - Date.now()) / 1000),
  )
}
