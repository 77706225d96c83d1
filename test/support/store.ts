/** What a store under test is made of, and records to put into it. */
import type { AuditTrail, EventType, Head } from '../../src/audit/event.ts'
import { type Tables, verifyAudit, type Verification } from '../../src/audit/verify.ts'
import { newId } from '../../src/base/id.ts'
import { identityOf, recordedPrincipal } from '../../src/identity/principal.ts'
import type { UsedTokens } from '../../src/identity/single-use.ts'
import { sealHandle } from '../../src/leases/handle.ts'
import type { Lease, LeaseStore } from '../../src/leases/lease.ts'
import { createSeal, type Seal, type SealKey } from '../../src/base/seal.ts'
import { approvals } from '../../src/store/approvals.ts'
import { auditTrail } from '../../src/store/audit.ts'
import { leases } from '../../src/store/leases.ts'
import { tables } from '../../src/store/tables.ts'
import { tasks } from '../../src/store/tasks.ts'
import { usedTokens } from '../../src/store/used-tokens.ts'
import type { ApprovalStore } from '../../src/tasks/approval.ts'
import type { Task, TaskStore } from '../../src/tasks/task.ts'
import type { Tx, Unit } from '../../src/base/unit.ts'

/** A store, opened on an empty database. */
export interface StoreSubject extends AsyncDisposable {
  unit: Unit
  tasks: TaskStore
  leases: LeaseStore
  approvals: ApprovalStore
  usedTokens: UsedTokens
  audit: AuditTrail
  tables: Tables
  seal: Seal
  /** Runs SQL on a connection of its own, as somebody who spoils the database would. */
  beside(sql: string): Promise<void>
}

/** The tables of a store, whatever its engine. */
export const storeTables = { tasks, leases, approvals, usedTokens, audit: auditTrail(), tables }

/** A row that nobody but the broker has written to. */
export function sound<Row extends object>(row: Row | { damaged: string; says: Row }): Row {
  if ('damaged' in row) throw new Error(`a row is damaged: ${row.damaged}`)
  return row
}

/** The time of every record that says nothing else, milliseconds since 1970. */
export const noon = Date.parse('2026-11-02T12:00:00Z')
export const hour = 3_600_000

/** Keys that are no secret: each byte the same. */
export function sealKey(id: string, byte: number): SealKey {
  return { id, secret: Buffer.alloc(32, byte) }
}

export const testSeal = () => createSeal([sealKey('k1', 1)])

export function aTask(changed: Partial<Task> = {}): Task {
  const id = newId('task')
  return {
    id,
    status: 'active',
    agent: 'refactor-bot',
    owner: 'linus@acme.dev',
    principal: recordedPrincipal({
      issuer: 'ci',
      iss: 'https://ci.test',
      subject: 'repo:acme/web',
      claims: { ref: 'refs/heads/main' },
    }),
    purpose: 'move a module',
    scope: [{ provider: 'fake', connection: 'one', detail: { type: 'fake', name: 'a' } }],
    ttl: 600,
    context: { model: 'm' },
    parent: null,
    root: id,
    depth: 0,
    createdAt: noon,
    expiresAt: noon + 600_000,
    endedAt: null,
    endReason: null,
    ...changed,
  }
}

/** A lease of `task`, active unless `changed` says otherwise. */
export function aLease(task: Task, changed: Partial<Lease> = {}, seal = testSeal()): Lease {
  const id = changed.id ?? newId('lease')
  return {
    id,
    task: task.id,
    agent: task.agent,
    owner: task.owner,
    issuer: task.principal.issuer,
    identity: identityOf(task.principal),
    provider: 'fake',
    connection: 'one',
    upstream: 'fake:one',
    slot: null,
    status: 'active',
    detail: { type: 'fake', name: 'a' },
    classes: ['write'],
    revocation: 'immediate',
    createdAt: noon,
    deadline: task.expiresAt,
    upstreamExpiresAt: noon + hour,
    standsUntil: noon + hour,
    liveUntil: null,
    endedAt: null,
    fingerprint: 'print',
    evidence: null,
    secretHash: 'ab'.repeat(32),
    handle: sealHandle(seal, id, { credential: id }),
    dueAt: noon + hour,
    attempts: 0,
    failingSince: null,
    ...changed,
  }
}

/** The columns of a lease whose mint has not answered. */
export const unanswered = {
  status: 'pending',
  upstreamExpiresAt: null,
  standsUntil: null,
  fingerprint: null,
  secretHash: null,
  handle: null,
} as const satisfies Partial<Lease>

/** Inserts the task with a token hash of its own, and returns it. */
export async function put(
  store: Pick<StoreSubject, 'tasks'>,
  tx: Tx,
  task: Task,
  tokenHash = `hash of ${task.id}`,
): Promise<Task> {
  await store.tasks.insert(tx, task, tokenHash)
  return task
}

/** Inserts a task and these leases of it. */
export async function putLeases(store: StoreSubject, ...changed: Partial<Lease>[]): Promise<Lease[]> {
  return await store.unit.write(async (tx) => {
    const task = await put(store, tx, aTask())
    const leases = changed.map((each) => aLease(task, each, store.seal))
    for (const lease of leases) await store.leases.insert(tx, lease)
    return leases
  })
}

/** Adds an event that is about nothing in the tables. */
export function note(
  store: StoreSubject,
  tx: Tx,
  data?: Record<string, unknown>,
  type: EventType = 'broker.started',
) {
  store.audit.record(tx, { at: noon, type, actor: 'broker', ...(data && { data }) })
}

/** Every event as it is chained. */
export async function events(store: StoreSubject) {
  return await store.unit.read((tx) => store.audit.page(tx, 0, 100_000))
}

export async function verified(
  store: StoreSubject,
  options: { expected?: Head; seal?: Seal } = {},
): Promise<Verification> {
  const { expected, seal = store.seal } = options
  return await store.unit.read((tx) =>
    verifyAudit(tx, { trail: store.audit, tables: store.tables, seal, expected }),
  )
}
