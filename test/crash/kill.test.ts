/** SIGKILL at every point of a credential's life, then an ordinary start on the same folder. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterEach, expect, test } from 'vitest'
import { discrepancies } from '../support/audit.ts'
import type { Answer } from '../support/broker.ts'
import { rows } from '../support/database.ts'
import { expectRefusal } from '../support/refusal.ts'
import { aRun, withSessions } from '../support/runs.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { until } from '../support/until.ts'
import type { Point } from '../support/crashing-broker.ts'

const broker = await sharedBroker(withSessions())
const { ledger } = broker.sandbox
const program = fileURLToPath(new URL('../support/crashing-broker.ts', import.meta.url))

let child: ChildProcess | undefined
afterEach(async () => {
  child?.kill('SIGKILL')
  await broker.stop()
  await broker.start()
})

/** Puts a broker that dies at `point` in the place of the ordinary one. `killed` resolves with its signal. */
async function startDoomed(point: Point) {
  await broker.stop()
  child = spawn(process.execPath, [program, broker.file, point], { stdio: ['ignore', 'ignore', 'inherit'] })
  const exited = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  await until(() =>
    broker.call('GET', '/readyz').then(
      ({ status }) => status === 200,
      () => false,
    ),
  )
  return { killed: () => exited.then(([, signal]) => signal) }
}

const leaseOf = (task: Answer['body']) => rows(broker, 'leases', `task = '${task.id}'`)[0]

/** What holds whatever happened: the upstream's own books and the broker's agree. */
async function expectBooksToAgree(): Promise<void> {
  const leases = rows(broker, 'leases')
  for (const entry of ledger.alive()) {
    const known = leases.find(({ fingerprint }) => fingerprint === entry.fingerprint)
    if (known) expect(['active', 'revoking', 'irrevocable']).toContain(known.status)
    else {
      // Lost between mint and record: some lease says until when it may live, and that is no less.
      const accounting = leases.filter(
        ({ live_until: until, status }) => status === 'revoking' && until !== null,
      )
      expect(accounting.some(({ live_until: until }) => until! >= entry.expiresAt)).toBe(true)
      expect(entry.uses).toBe(0)
    }
  }
  expect(await discrepancies(broker)).toEqual([])
}

test('before the intent: nothing has happened', async () => {
  const { body: task } = await broker.open()
  const minted = ledger.entries.length
  const doomed = await startDoomed('before the intent')
  await expect(broker.mint(task)).rejects.toThrow()
  expect(await doomed.killed()).toBe('SIGKILL')
  await broker.start()

  expect(leaseOf(task)).toBeUndefined()
  expect(ledger.entries).toHaveLength(minted)
  await expectBooksToAgree()
  expect((await broker.mint(task)).status).toBe(201)
})

test.each(['after the intent', 'after the mint'] as const)(
  '%s: the lease says until when something could be alive, and nothing was delivered',
  async (point) => {
    const { body: task } = await broker.open()
    const before = ledger.entries.length
    const doomed = await startDoomed(point)
    await expect(broker.mint(task)).rejects.toThrow()
    expect(await doomed.killed()).toBe('SIGKILL')
    expect(leaseOf(task)).toMatchObject({ status: 'pending', handle: null })
    expect(ledger.entries.length - before).toBe(point === 'after the mint' ? 1 : 0)
    await broker.start()

    await until(() => leaseOf(task)?.live_until)
    await expectBooksToAgree()
    const { body } = await broker.complete(task)
    expect(body).toMatchObject({
      status: 'completed',
      leases: [{ status: 'revoking', live_until: expect.any(String) }],
    })
  },
)

test.each(['after the record', 'before the reply'] as const)(
  '%s: what was never delivered is revoked with its task all the same',
  async (point) => {
    const doomed = await startDoomed(point)
    const { body: task } = await broker.open({ ttl: 2 })
    const before = ledger.entries.length
    await expect(broker.mint(task)).rejects.toThrow()
    expect(await doomed.killed()).toBe('SIGKILL')
    expect(leaseOf(task)).toMatchObject({ status: 'active', handle: expect.any(String) })
    const startedAt = Date.now()
    await broker.start()

    const entry = ledger.entries[before]!
    await until(() => entry.revokedAt)
    expect(entry.revokedAt! - Math.max(startedAt, Date.parse(task.expires_at))).toBeLessThan(5_000)
    await until(() => leaseOf(task)?.status === 'revoked')
    await expectBooksToAgree()
  },
)

test.each(['before the revocation', 'after the revocation', 'after the probe'] as const)(
  '%s: the end that was begun is brought to an end',
  async (point) => {
    const { body: task } = await broker.open()
    const { body: minted } = await broker.mint(task)
    const entry = ledger.find(minted.credential.token)!
    const doomed = await startDoomed(point)
    await expect(broker.complete(task)).rejects.toThrow()
    expect(await doomed.killed()).toBe('SIGKILL')
    expect(entry.revokedAt === undefined).toBe(point === 'before the revocation')
    // What was seen is not yet on record, and is seen again.
    expect(leaseOf(task)).toMatchObject({ status: 'revoking', evidence: null, handle: expect.any(String) })
    const startedAt = Date.now()
    await broker.start()

    await until(() => leaseOf(task)?.status === 'revoked')
    expect(entry.revokedAt! - startedAt).toBeLessThan(5_000)
    expect(leaseOf(task)).toMatchObject({ handle: null, due_at: null })
    const recorded = rows(broker, 'audit_events', `lease = '${minted.lease.id}' and type = 'lease.revoked'`)
    expect(recorded).toHaveLength(1)
    await expectBooksToAgree()
    expect((await broker.read(task)).body.status).toBe('completed')
  },
)

test.each(['before the revocation', 'after the revocation'] as const)(
  'contain, %s: the run stays out, and what it held is dead after the next start',
  async (point) => {
    const run = aRun()
    const { body: task } = await broker.open({}, run)
    const { body: minted } = await broker.mint(task)
    const entry = ledger.find(minted.credential.token)!
    const doomed = await startDoomed(point)
    const body = { selector: { session: task.id }, fence: true, reason: 'it misbehaves' }
    const token = await broker.admin()
    await expect(broker.call('POST', '/v1/admin/revocations', { token, body })).rejects.toThrow()
    expect(await doomed.killed()).toBe('SIGKILL')
    expect(entry.revokedAt === undefined).toBe(point === 'before the revocation')
    await broker.start()

    expectRefusal(await broker.open({}, run), 403, 'fenced')
    expect((await broker.open({}, aRun())).status).toBe(201)
    await until(() => leaseOf(task)?.status === 'revoked')
    expect(entry.revokedAt).toBeDefined()
    expect((await broker.read(task)).body).toMatchObject({ status: 'revoked', end_reason: 'revoked' })
    await expectBooksToAgree()
  },
)

test('kill -9 between mint and deadline: dead within five seconds of the deadline or of the restart', async () => {
  const doomed = await startDoomed('after the probe')
  const [early, late] = await Promise.all([broker.open({ ttl: 1 }), broker.open({ ttl: 6 })])
  const minted = await Promise.all([broker.mint(early.body), broker.mint(late.body)])
  const [first, second] = minted.map(({ body }) => ledger.find(body.credential.token)!)
  child?.kill('SIGKILL')
  expect(await doomed.killed()).toBe('SIGKILL')
  await until(() => Date.now() > Date.parse(early.body.expires_at))
  expect(await broker.use(first!.secret)).toBe(200)
  const startedAt = Date.now()
  await broker.start()

  await until(() => first!.revokedAt && second!.revokedAt)
  expect(first!.revokedAt! - startedAt).toBeLessThan(5_000)
  expect(second!.revokedAt! - Date.parse(late.body.expires_at)).toBeGreaterThanOrEqual(0)
  expect(second!.revokedAt! - Date.parse(late.body.expires_at)).toBeLessThan(5_000)
  await until(() => leaseOf(late.body)?.status === 'revoked')
  await expectBooksToAgree()
})
