/** Metrics and traces, attached where the parts are joined so that none of them knows. */
import { SpanStatusCode, trace } from '@opentelemetry/api'
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import { type AuditEvent, eventTypes } from '../audit/event.ts'
import { fenceKinds } from '../agents/fence.ts'
import type { ConnectionEntry } from '../leases/connections.ts'
import { leaseStatuses } from '../leases/lease.ts'
import type { Upstream } from '../provider/upstream.ts'
import type { Intrusion } from '../store/inspection.ts'

const tracer = trace.getTracer('mayfly')

/** What the gauges show, counted when they are asked. */
export interface Counts {
  /** How many leases are in each state. */
  leases: () => Promise<{ provider: string; status: string; count: number }[]>
  /** How many fences stand, of each kind. */
  fences: () => Promise<{ kind: string; count: number }[]>
}

export interface Metrics {
  registry: Registry
  /** Counts what a commit has put on record. */
  committed(events: readonly AuditEvent[]): void
  /** `route` is the pattern, never the path: a label must not be of the caller's choosing. */
  answered(request: { method: string; route: string; status: number; seconds: number }): void
  /** From now on the gauges ask here. */
  count(counts: Counts): void
  /** Counts a notice that was delivered, or an attempt that failed. */
  notified(target: string, delivered: boolean): void
  /** From now on the gauge of what was not delivered yet asks here. */
  watchNotices(ages: () => { target: string; ms: number }[]): void
  /** From now on the gauges of what somebody else has done to the store ask here. */
  watchStore(intrusion: () => Intrusion): void
}

export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  const events = new Counter({
    name: 'mayfly_events_total',
    help: 'Audit events put on record, by type.',
    labelNames: ['type'],
    registers,
  })
  for (const type of eventTypes) events.inc({ type }, 0)
  const requests = new Histogram({
    name: 'mayfly_http_request_duration_seconds',
    help: 'How long requests took, by method, route and status.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10],
    registers,
  })
  const nothing = () => Promise.resolve([])
  let counts: Counts = { leases: nothing, fences: nothing }
  new Gauge({
    name: 'mayfly_leases',
    help: 'Leases that are not over, by provider and status. Alarm on any that are irrevocable.',
    labelNames: ['provider', 'status'],
    registers,
    async collect() {
      this.reset()
      for (const { provider, status, count } of await counts.leases())
        if ((leaseStatuses as readonly string[]).includes(status)) this.set({ provider, status }, count)
    },
  })
  new Gauge({
    name: 'mayfly_fences',
    help: 'Fences that stand, by whom they keep out.',
    labelNames: ['kind'],
    registers,
    async collect() {
      this.reset()
      const standing = await counts.fences()
      for (const kind of fenceKinds)
        this.set({ kind }, standing.find((each) => each.kind === kind)?.count ?? 0)
    },
  })
  let intrusion = (): Intrusion => ({ doubts: [], damaged: [] })
  new Gauge({
    name: 'mayfly_store_doubts',
    help: 'Reasons why nothing is granted: the store is not as it was left. Alarm on any.',
    registers,
    collect() {
      this.set(intrusion().doubts.length)
    },
  })
  new Gauge({
    name: 'mayfly_damaged_rows',
    help: 'Rows of the store that somebody else has written. Alarm on any.',
    registers,
    collect() {
      this.set(intrusion().damaged.length)
    },
  })
  const notices = new Counter({
    name: 'mayfly_notices_total',
    help: 'Notices delivered, and attempts at it that failed, by receiver.',
    labelNames: ['target', 'outcome'],
    registers,
  })
  let ages = (): { target: string; ms: number }[] => []
  new Gauge({
    name: 'mayfly_notice_age_seconds',
    help: 'How long the oldest notice waits that its receiver has not taken; 0 where it has all.',
    labelNames: ['target'],
    registers,
    collect() {
      this.reset()
      for (const { target, ms } of ages()) this.set({ target }, ms / 1000)
    },
  })
  return {
    registry,
    committed: (committed) => committed.forEach(({ type }) => events.inc({ type })),
    answered: ({ method, route, status, seconds }) =>
      requests.observe({ method, route, status: String(status) }, seconds),
    notified: (target, delivered) => notices.inc({ target, outcome: delivered ? 'delivered' : 'failed' }),
    watchNotices: (asked) => (ages = asked),
    count: (asked) => (counts = asked),
    watchStore: (asked) => (intrusion = asked),
  }
}

/** Runs `work` in a span of this name. */
async function traced<T>(
  name: string,
  attributes: Record<string, string>,
  work: () => Promise<T>,
): Promise<T> {
  return await tracer.startActiveSpan(name, { attributes }, async (span) => {
    try {
      return await work()
    } catch (error) {
      // The message may hold what an upstream said; the kind of failure is enough for a trace.
      span.setStatus({ code: SpanStatusCode.ERROR, message: error instanceof Error ? error.name : 'error' })
      throw error
    } finally {
      span.end()
    }
  })
}

/**
 * The connection's upstream with a span around each call that a running broker makes.
 * Upstreams are plain objects: the methods of a class would be lost here.
 */
export function tracedUpstream({ provider, name, upstream }: ConnectionEntry): Upstream {
  const attributes = { 'mayfly.provider': provider.type, 'mayfly.connection': name }
  const maintain: Upstream['maintain'] = (...call) =>
    traced('mayfly.maintain', attributes, async () => await upstream.maintain?.(...call))
  return {
    ...upstream,
    mint: (...call) => traced('mayfly.mint', attributes, () => upstream.mint(...call)),
    revoke: (...call) => traced('mayfly.revoke', attributes, () => upstream.revoke(...call)),
    ...(upstream.maintain && { maintain }),
    recover: (...call) => traced('mayfly.recover', attributes, () => upstream.recover(...call)),
    probe: (...call) => traced('mayfly.probe', attributes, () => upstream.probe(...call)),
  }
}
