/** I3 Nothing outlives the task: however it leaves `active`, each of its leases is revoked. */
import { expect, test } from 'vitest'
import { agentFiles, subjectOf } from '../support/agents.ts'
import { type Answer, writeWeb } from '../support/broker.ts'
import { manualClock } from '../support/clock.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { untilNow } from '../support/until.ts'

const clock = manualClock(Date.parse('2026-11-02T23:50:00Z'))
const broker = await sharedBroker({ clock, files: agentFiles('other-bot', { review_by: '2026-11-02' }) })
const { ledger } = broker.sandbox

const ways: [string, (task: Answer['body']) => Promise<unknown>, string][] = [
  ['completed', (task) => broker.complete(task), 'completed'],
  ['past its deadline', (task) => clock.advance(Date.parse(task.expires_at) - clock.now()), 'expired'],
  ['revoked by an admin', (task) => broker.revoke({ task: task.id }), 'revoked'],
  ["revoked with all of its agent's", () => broker.revoke({ agent: 'other-bot' }), 'revoked'],
  ["its agent's, who is suspended", () => force('suspend'), 'revoked'],
  ['in another context', (task) => broker.mint(task, writeWeb, { model: 'another' }), 'revoked'],
]

async function force(verb: 'suspend' | 'resume') {
  const path = `/v1/admin/agents/other-bot/${verb}`
  const answer = await broker.call('POST', path, { token: await broker.admin(), body: { reason: 'a test' } })
  expect(answer.status).toBe(200)
}

async function holding() {
  const { body: task } = await broker.open(
    { context: { model: 'm' }, ttl: 60 },
    { sub: subjectOf('other-bot') },
  )
  const minted = await Promise.all([broker.mint(task), broker.mint(task), broker.mint(task)])
  return { task, entries: minted.map(({ body }) => ledger.find(body.credential.token)!) }
}

test.each(ways)('I3: a task that is %s has no live credential', async (way, end, status) => {
  const { task, entries } = await holding()
  const { task: bystander, entries: spared } = await holding()
  const endAt = Date.parse(task.expires_at)
  if (status === 'expired') await clock.advance(1)

  await end(task)

  await untilNow(clock, () => entries.every(({ revokedAt }) => revokedAt))
  for (const { revokedAt } of entries) expect(revokedAt).toBeLessThanOrEqual(endAt)
  expect((await broker.read(task)).body.status).toBe(status)
  if (status === 'completed') expect(spared.some(({ revokedAt }) => revokedAt)).toBe(false)
  if (way.includes('suspended')) await force('resume')
  await broker.complete(bystander)
})

test('I3: so has a task whose agent has fallen due for review', async () => {
  const { task, entries } = await holding()
  await clock.advance(Date.parse('2026-11-03T00:00:00Z') - clock.now())
  await broker.mint(task)
  await untilNow(clock, () => entries.every(({ revokedAt }) => revokedAt))
  expect((await broker.read(task)).body).toMatchObject({ status: expect.stringMatching(/revoked|expired/) })
})

test("I3: a lease's deadline is the task's, or upstream's own end where that is earlier", async () => {
  const { body: short } = await broker.open({ ttl: 60 })
  expect((await broker.mint(short)).body.lease.deadline).toBe(short.expires_at)
  const { body: long } = await broker.open({ ttl: 3600 })
  broker.sandbox.github.faults.add({
    kind: 'rewrite',
    times: 1,
    on: ({ path }) => path.endsWith('/access_tokens'),
    rewrite: (body) => ({ ...(body as object), expires_at: new Date(clock.now() + 1_800_000).toISOString() }),
  })
  const { body } = await broker.mint(long)
  expect(Date.parse(body.lease.deadline)).toBe(clock.now() + 1_800_000)
  expect(body.lease.deadline).toBe(body.lease.upstream_expires_at)
})
