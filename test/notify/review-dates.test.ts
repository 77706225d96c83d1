import { expect, onTestFinished, test } from 'vitest'
import type { Agent } from '../../src/agents/agent.ts'
import { createExclusive } from '../../src/base/exclusive.ts'
import { recordNearReviews } from '../../src/notify/review-dates.ts'
import { cursors } from '../../src/store/cursors.ts'
import { manualClock } from '../support/clock.ts'
import { sqliteStore } from '../support/sqlite.ts'
import { events } from '../support/store.ts'

const day = 24 * 3600 * 1000
const agent = (name: string, reviewBy: string): Agent => ({
  name,
  owner: 'ada@acme.dev',
  purpose: 'a test',
  environment: 'dev',
  reviewBy,
  maxTtl: 60,
  reopen: true,
  match: [{ issuer: 'ci', subject: 'a', claims: {} }] as never,
})

async function setUp(start: string) {
  const store = await sqliteStore()
  onTestFinished(() => store[Symbol.asyncDispose]())
  const clock = manualClock(Date.parse(start))
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined }
  const context = { ...store, cursors, clock, log, exclusive: createExclusive() }
  const told = async () =>
    (await events(store)).map(({ type, agent: name, data }) => `${type} ${name} ${String(data?.['days'])}`)
  return { clock, told, look: (...agents: Agent[]) => recordNearReviews(context, agents) }
}

test('two weeks, a week and a day before it, each once, whenever it is looked at', async () => {
  const { clock, told, look } = await setUp('2026-11-01T23:00:00Z')
  const bot = agent('bot', '2026-11-20')
  for (let hours = 0; hours < 24 * 25; hours += 6) {
    await look(bot)
    await clock.advance(day / 4)
  }
  expect(await told()).toEqual([
    'agent.review_near bot 14',
    'agent.review_near bot 7',
    'agent.review_near bot 1',
  ])
})

test('at the first look, whatever is near; after days without a look, what was missed, once', async () => {
  const { clock, told, look } = await setUp('2026-11-10T12:00:00Z')
  const agents = [agent('near', '2026-11-20'), agent('over', '2026-11-09'), agent('far', '2027-11-09')]
  await look(...agents)
  expect(await told()).toEqual(['agent.review_near near 10'])
  await clock.advance(9.5 * day)
  await look(...agents)
  await look(...agents)
  expect(await told()).toEqual(['agent.review_near near 10', 'agent.review_near near 0'])
})
