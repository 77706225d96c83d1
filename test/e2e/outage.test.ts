/** GitHub is down when a deadline passes. Time stands still but for what the tests let pass. */
import { expect, test } from 'vitest'
import type { Fault } from '../../src/sandbox/faults.ts'
import { manualClock } from '../support/clock.ts'
import { revokes } from '../support/github.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { until } from '../support/until.ts'

const clock = manualClock()
const broker = await sharedBroker({ clock })
const { github, ledger } = broker.sandbox

/** Lets `ms` pass in steps, with room for real answers in between. */
async function pass(ms: number, enough: () => boolean = () => false): Promise<void> {
  for (let left = ms; left > 0 && !enough(); left -= 1_000) {
    await clock.advance(1_000)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

const outages: [string, Fault][] = [
  ['answers 500', { kind: 'status', status: 500 }],
  ['does not answer', { kind: 'hang' }],
  ['cuts connections', { kind: 'reset' }],
  ['limits requests for an hour', { kind: 'status', status: 429, headers: { 'Retry-After': '3600' } }],
  [
    'limits requests without saying how long',
    { kind: 'status', status: 403, body: { message: 'You have exceeded a secondary rate limit' } },
  ],
]

test.each(outages)(
  'GitHub %s across the deadline: revoked within a minute of its being back',
  async (_how, fault) => {
    const { body: task } = await broker.open({ ttl: 10 })
    const { body: minted } = await broker.mint(task)
    const entry = ledger.find(minted.credential.token)!
    const outage = github.faults.add({ ...fault, on: revokes })

    await pass(10_000)
    await until(() => outage.hits > 0)
    await pass(45_000)
    expect(entry.revokedAt).toBeUndefined()
    expect((await broker.read(task)).body).toMatchObject({
      status: 'expired',
      leases: [{ status: 'revoking' }],
    })

    outage.clear()
    const backAt = clock.now()
    // A Retry-After counts for at most 60 s; one attempt may hang for its 10 s.
    await pass(75_000, () => entry.revokedAt !== undefined)

    expect(entry.revokedAt! - backAt).toBeLessThanOrEqual(70_000)
    await until(async () => (await broker.read(task)).body.leases[0].status === 'revoked')
  },
)

test('an outage at completion: the answer says `revoking` within 10 s, and the end follows', async () => {
  const { body: task } = await broker.open()
  const { body: minted } = await broker.mint(task)
  const outage = github.faults.add({ kind: 'hang', on: revokes })

  let answered = false
  const completing = broker.complete(task).finally(() => (answered = true))
  await until(() => outage.hits === 1)
  const askedAt = clock.now()
  await pass(20_000, () => answered)
  const completed = await completing

  expect(clock.now() - askedAt).toBeLessThanOrEqual(11_000)
  expect(completed.status).toBe(200)
  expect(completed.body).toMatchObject({
    status: 'completed',
    leases: [{ status: 'revoking', ended_at: null, evidence: null }],
  })
  expect(await broker.use(minted.credential.token)).toBe(200)

  outage.clear()
  await pass(60_000, () => ledger.find(minted.credential.token)?.revokedAt !== undefined)
  expect(await broker.use(minted.credential.token)).toBe(401)
})

test('one answer after an outage brings forward every lease that waits', async () => {
  const { body: task } = await broker.open({ ttl: 600 })
  const minted = await Promise.all(Array.from({ length: 20 }, () => broker.mint(task)))
  const entries = minted.map(({ body }) => ledger.find(body.credential.token)!)
  const outage = github.faults.add({
    kind: 'status',
    status: 503,
    headers: { 'Retry-After': '60' },
    on: revokes,
  })
  const completing = broker.complete(task)
  await until(() => outage.hits >= 20)
  await completing
  expect(ledger.alive(clock.now())).toEqual(expect.arrayContaining(entries))

  // Back after half a minute; a further completion notices it, and nobody else waits out the rest.
  await pass(30_000)
  outage.clear()
  const { body: other } = await broker.open()
  await broker.mint(other)
  await broker.complete(other)
  await until(async () => {
    await clock.advance(1)
    return entries.every(({ revokedAt }) => revokedAt)
  })
  expect(Math.max(...entries.map(({ revokedAt }) => revokedAt!)) - clock.now()).toBeLessThan(1_000)
})
