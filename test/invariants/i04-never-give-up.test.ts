/** I4 Never give up on a live credential: retried with back-off until it is revoked or upstream's own end has passed. */
import { expect, test } from 'vitest'
import { manualClock } from '../support/clock.ts'
import { rows } from '../support/database.ts'
import { revokes } from '../support/github.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { until, untilNow } from '../support/until.ts'

const clock = manualClock()
const broker = await sharedBroker({ clock })
const { github, ledger } = broker.sandbox

/** A completed task whose credential GitHub will not take back, and how often and when it was asked to. */
async function stuck(answer: { status: number; headers?: Record<string, string> }) {
  const { body: task } = await broker.open()
  const { body: minted } = await broker.mint(task)
  const asked: number[] = []
  const outage = github.faults.add({
    kind: 'status',
    ...answer,
    on: (request) => revokes(request) && asked.push(clock.now()) > 0,
  })
  await broker.complete(task)
  const row = () => rows(broker, 'leases', `id = '${minted.lease.id}'`)[0]!
  /** Goes to the moment of the next attempt and waits for its outcome. */
  const next = async () => {
    const { due_at: dueAt } = row()
    const before = asked.length
    await clock.advance(dueAt! - clock.now())
    await untilNow(clock, () => asked.length > before && row().due_at !== dueAt)
  }
  return { task, minted, entry: ledger.find(minted.credential.token)!, asked, outage, row, next }
}

test('I4: attempts come further and further apart, never more than ten seconds, and become an alarm', async () => {
  const { task, entry, asked, outage, row, next } = await stuck({ status: 500 })
  while (row().status === 'revoking') await next()

  const gaps = asked.slice(1).map((at, index) => at - asked[index]!)
  for (const [index, gap] of gaps.entries()) {
    const step = Math.min(10_000, 500 * 2 ** index)
    expect(gap).toBeGreaterThanOrEqual(step / 2)
    expect(gap).toBeLessThanOrEqual(step)
  }
  // Ten minutes of failures: visible, and still retried.
  expect(clock.now() - asked[0]!).toBeGreaterThanOrEqual(600_000)
  expect(clock.now() - asked[0]!).toBeLessThan(611_000)
  expect(row().status).toBe('irrevocable')
  expect((await broker.revoke({ task: task.id })).body).toMatchObject({ matched: 1, irrevocable: 1 })

  outage.clear()
  await clock.advance(row().due_at! - clock.now())
  await untilNow(clock, () => row().status === 'revoked')
  expect(entry.revokedAt).toBe(clock.now())
})

test('I4: a Retry-After of an hour counts for a minute', async () => {
  const { asked, outage, next } = await stuck({ status: 429, headers: { 'Retry-After': '3600' } })
  await next()
  await next()
  const gaps = asked.slice(1).map((at, index) => at - asked[index]!)
  for (const gap of gaps) expect(gap).toBe(60_000)
  outage.clear()
})

test('I4: a refusal for good is an alarm at once, and retried all the same', async () => {
  const { asked, outage, row, next } = await stuck({ status: 403 })
  await until(() => row().status === 'irrevocable')
  await next()
  expect(asked.length).toBeGreaterThanOrEqual(2)
  outage.clear()
  await clock.advance(row().due_at! - clock.now())
  await untilNow(clock, () => row().status === 'revoked')
})

test('I4: a credential that lives on after GitHub took its revocation is one that could not be revoked', async () => {
  const { task, minted, entry, asked, outage, row, next } = await stuck({ status: 204 })
  while (row().status === 'revoking') await next()
  expect(clock.now() - asked[0]!).toBeGreaterThanOrEqual(600_000)
  expect(clock.now() - asked[0]!).toBeLessThan(611_000)
  expect(row()).toMatchObject({ status: 'irrevocable', handle: expect.any(String) })
  const { body } = await broker.revoke({ lease: minted.lease.id })
  expect(body).toMatchObject({ tasks: [], matched: 1, revoked: 0, irrevocable: 1 })
  const metrics = await broker.call('GET', '/metrics')
  expect(metrics.body).toMatch(/mayfly_leases\{provider="github",status="irrevocable"\} [1-9]/)
  expect((await broker.read(task)).body.leases[0].evidence).toMatchObject({ result: 'live' })

  outage.clear()
  await clock.advance(row().due_at! - clock.now())
  await untilNow(clock, () => row().status === 'revoked')
  expect(row()).toMatchObject({ handle: null, evidence: expect.stringContaining('dead') })
  expect(entry.revokedAt).toBe(clock.now())
})

test("I4: it ends only with the credential's own upstream life", async () => {
  const { entry, outage, row } = await stuck({ status: 500 })
  while (clock.now() < entry.expiresAt - 60_000) {
    await clock.advance(60_000)
    await untilNow(clock, () => row().due_at! > clock.now())
  }
  expect(row().status).toBe('irrevocable')
  await clock.advance(60_000)
  await untilNow(clock, () => row().status === 'expired')
  expect(entry.revokedAt).toBeUndefined()
  expect(ledger.alive(clock.now())).not.toContain(entry)
  outage.clear()
})
