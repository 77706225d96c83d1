/** A machine that is lost: `mayfly run` and all that it started are killed at once, and nobody is left to complete the task. */
import { spawn } from 'node:child_process'
import { expect, it, onTestFinished } from 'vitest'
import { stringify } from 'yaml'
import { startTestBroker } from '../support/broker.ts'
import { cliMain, surroundings } from '../support/mayfly.ts'
import { until } from '../support/until.ts'

async function start(heartbeat: object) {
  const agent = {
    name: 'refactor-bot',
    owner: 'linus@acme.dev',
    purpose: 'is lost',
    environment: 'dev',
    review_by: '2099-12-31',
    max_ttl: 3600,
    match: [{ issuer: 'sandbox', claims: { repository_id: '123' } }],
    ...heartbeat,
  }
  const broker = await startTestBroker({ files: { 'agents/refactor-bot.yaml': stringify(agent) } })
  onTestFinished(() => broker[Symbol.asyncDispose]())
  return broker
}

/** Starts it as a group of its own, and kills that once it has had a credential for `forMs`. Gives when it was killed. */
async function lose(broker: Awaited<ReturnType<typeof start>>, ttl: number, forMs: number): Promise<number> {
  const line = ['run', '--purpose', 'lost', '--ttl', String(ttl), '--scope', 'github:acme/web:contents=read']
  const env = { ...surroundings(), MAYFLY_URL: broker.url, MAYFLY_TOKEN: await broker.workload() }
  const run = spawn(process.execPath, [cliMain, ...line, '--', 'sleep', '60'], {
    env,
    detached: true,
    stdio: 'ignore',
  })
  const alive = () => broker.sandbox.ledger.alive().length === 1
  await until(alive)
  const had = Date.now()
  await until(() => Date.now() - had >= forMs, forMs + 5_000)
  expect(alive()).toBe(true)
  process.kill(-run.pid!, 'SIGKILL')
  return Date.now()
}

const dead = (broker: Awaited<ReturnType<typeof start>>) =>
  until(() => broker.sandbox.ledger.alive().length === 0, 15_000)

it('with a heartbeat of 5 s it is dead upstream within 11 s, and while it beat it was not', async () => {
  const broker = await start({ heartbeat: '5s' })
  const killed = await lose(broker, 600, 9_000)
  await dead(broker)
  expect(Date.now() - killed).toBeLessThan(11_000)
  expect(Date.now() - killed).toBeGreaterThan(2_000)
}, 40_000)

it('without one it is dead at the ttl', async () => {
  const broker = await start({})
  const killed = await lose(broker, 6, 500)
  await dead(broker)
  expect(Date.now() - killed).toBeLessThan(9_000)
  expect(Date.now() - killed).toBeGreaterThan(2_000)
}, 40_000)
