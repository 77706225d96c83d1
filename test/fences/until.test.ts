/** A fence with an end stops keeping out by the clock. */
import { expect, onTestFinished, test } from 'vitest'
import { startTestBroker } from '../support/broker.ts'
import { wallClock } from '../support/clock.ts'
import { expectRefusal } from '../support/refusal.ts'

test('until its end has come, and not a moment longer', async () => {
  const { clock, set } = wallClock()
  const broker = await startTestBroker({ clock })
  onTestFinished(() => broker[Symbol.asyncDispose]())
  const raise = async (until: number) =>
    broker.call('POST', '/v1/admin/fences', {
      token: await broker.admin(),
      body: {
        selector: { agent: 'refactor-bot' },
        reason: 'an incident',
        until: new Date(until).toISOString(),
      },
    })
  expectRefusal(await raise(clock.now()), 400, 'invalid_request')
  const { body: fence } = await raise(clock.now() + 60_000)
  expectRefusal(await broker.open(), 403, 'agent_suspended')
  set(59_000)
  expectRefusal(await broker.open(), 403, 'agent_suspended')
  set(2_000)
  expect((await broker.open()).status).toBe(201)
  const list = async (path: string) =>
    (await broker.call('GET', `/v1/admin/${path}`, { token: await broker.admin() })).body.items
  expect(await list('fences')).toMatchObject([{ id: fence.id, status: 'over' }])
  expect(await list('agents')).toMatchObject([{ status: 'active', suspension: null }])
})
