import { expect, test } from 'vitest'
import { sandboxWorkload } from '../../src/sandbox/configuration.ts'
import { agentFiles, subjectOf } from '../support/agents.ts'
import { manualClock } from '../support/clock.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { untilNow } from '../support/until.ts'

const clock = manualClock(Date.parse('2026-11-02T23:30:00Z'))
const broker = await sharedBroker({ clock, files: agentFiles('other-bot', { review_by: '2026-11-02' }) })
const sub = subjectOf('other-bot')
const { ledger } = broker.sandbox

test('from the day after its review date an agent gets nothing, and what it holds is taken away', async () => {
  const { body: task } = await broker.open({ ttl: 3600 }, { sub })
  const { body: minted } = await broker.mint(task)
  await clock.advance(30 * 60_000 - 1)
  expect((await broker.mint(task)).status).toBe(201)

  await clock.advance(1)
  expectRefusal(await broker.mint(task), 403, 'agent_expired')
  expectRefusal(await broker.open({}, { sub }), 403, 'agent_expired')

  await untilNow(clock, async () => (await broker.read(task)).body.leases[1].evidence)
  expect((await broker.read(task)).body).toMatchObject({
    status: 'revoked',
    end_reason: 'agent_expired',
    leases: [{ status: 'revoked' }, { status: 'revoked' }],
  })
  expect(ledger.find(minted.credential.token)?.revokedAt).toBeDefined()
  expect((await broker.open({}, { sub: sandboxWorkload.sub })).status).toBe(201)
})
