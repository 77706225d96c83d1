/**
 * Random tasks over three upstreams that lie: no lease is called revoked, and no credential
 * dead, that the upstream's own ledger calls alive. `MAYFLY_LIES` sets how many tasks,
 * `MAYFLY_LIES_SEED` which.
 */
import { expect, test } from 'vitest'
import { everyUpstream } from '../../src/sandbox/configuration.ts'
import type { LedgerEntry } from '../../src/sandbox/ledger.ts'
import { discrepancies } from '../support/audit.ts'
import { startTestBroker, type Answer, type TestBroker } from '../support/broker.ts'
import { manualClock, type ManualClock } from '../support/clock.ts'
import { type Row, rows } from '../support/database.ts'
import { until } from '../support/until.ts'
import { chance, type Chance } from './chance.ts'
import { badWeather, clearWeather, propagationMs } from './weather.ts'

const total = Number(process.env['MAYFLY_LIES'] ?? 150)
const firstSeed = Number(process.env['MAYFLY_LIES_SEED'] ?? 20_261_128)
const perWeather = 25

const roles = Array.from({ length: 10 }, (_, count) => `deployer-${count}`)
/** By the machine's clock, for what goes well once nobody lies any more. */
const patienceMs = 60_000
const unfinished = ['pending', 'active', 'revoking', 'irrevocable']

async function startLiedTo(clock: ManualClock): Promise<TestBroker> {
  return await startTestBroker({
    clock,
    files: {
      'policies/acme.cedar':
        '@id("bot-may-do-anything") permit (principal == Mayfly::Agent::"refactor-bot", action, resource);',
    },
    settings(sandbox, port) {
      const { settings: ofAws } = sandbox.aws
      const [model] = ofAws.roles
      ofAws.roles.push(...roles.map((name) => ({ ...model!, name })))
      const { providers } = everyUpstream(sandbox, port).settings as {
        providers: Record<string, [Record<string, unknown>]>
      }
      providers['aws']![0]['roles'] = roles.map((name) => ({
        arn: sandbox.aws.roleArn(name),
        class: 'deploy',
      }))
      return { providers, limits: { live_leases: { task: 50, agent: 100_000 } } }
    },
  })
}

const details = [
  () => ({ type: 'github', repositories: ['acme/web'], permissions: { contents: 'write' } }),
  (broker: TestBroker, chances: Chance) => ({
    type: 'aws',
    role_arn: broker.sandbox.aws.roleArn(chances.pick(roles)),
  }),
  () => ({ type: 'vault', policies: ['ci-read'] }),
  () => ({ type: 'vault', path: 'database/creds/readonly' }),
]

/** The ways in which a task, or what it holds, comes to its end. */
const endings: ((broker: TestBroker, task: Answer['body'], minted: Answer) => Promise<unknown>)[] = [
  (broker, task) => broker.complete(task),
  (broker, task) => broker.revoke({ task: task.id }),
  (broker, _, { body }) => broker.revoke({ lease: body.lease.id }),
  (broker, task, { body }) =>
    broker.call('POST', `/v1/tasks/${task.id}/leases/${body.lease.id}/revoke`, { token: task.task_token }),
  (broker, { task_token: token }) =>
    broker.call('POST', '/oauth/revoke', {
      body: new URLSearchParams({ token }).toString(),
      headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
    }),
  // Nobody says anything: its deadline comes.
  () => Promise.resolve(),
]

async function live(broker: TestBroker, chances: Chance): Promise<void> {
  const detail = chances.pick(details)(broker, chances)
  const ending = chances.pick(endings)
  const ttl = 1 + Math.floor(chances.draw() * 60)
  const { body: task } = await broker.open({ authorization_details: [detail], ttl })
  const minted = await broker.mint(task, detail)
  if (minted.status === 201) await ending(broker, task, minted)
}

/** Time goes by, several times as fast as on the wall, until the work is over. */
async function meanwhile<T>(clock: ManualClock, work: Promise<T>): Promise<T> {
  let over = false
  const settled = work.finally(() => (over = true))
  while (!over) await pass(clock, 25)
  return await settled
}

/** Time goes by in small steps, between which requests on their way are answered. */
async function pass(clock: ManualClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 25) {
    await clock.advance(25)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** What the lease may be called, by the books of who minted it. */
function falselyOver({ status, evidence, fingerprint, id }: Row<'leases'>, alive: LedgerEntry[]): string[] {
  const found = evidence === null ? undefined : (JSON.parse(evidence) as { result: string }).result
  const over = ['revoked', 'expired', 'failed'].includes(status)
  if (!over && !['dead', 'denied', 'gone'].includes(found ?? '')) return []
  return alive
    .filter((entry) => entry.fingerprint === fingerprint || JSON.stringify(entry.scope).includes(id))
    .map((entry) => `${id} is ${status}, found ${found}, and its credential at ${entry.provider} works`)
}

function expectTruth(broker: TestBroker, clock: ManualClock): void {
  const { ledger } = broker.sandbox
  const now = clock.now()
  const inForce = new Set(ledger.alive(now + propagationMs))
  const alive = ledger.alive(now).filter((entry) => entry.provider !== 'aws' || inForce.has(entry))
  expect(rows(broker, 'leases').flatMap((lease) => falselyOver(lease, alive))).toEqual([])
}

test(
  `${total} tasks over three lying upstreams leave nothing called dead that lives`,
  { timeout: 60_000 + total * 1_000 },
  async () => {
    const clock = manualClock()
    await using broker = await startLiedTo(clock)
    const { sandbox } = broker
    for (let done = 0, seed = firstSeed; done < total; done += perWeather, seed += 1) {
      const chances = chance(seed)
      badWeather(sandbox, chances)
      const tasks = Array.from({ length: Math.min(perWeather, total - done) }, () => live(broker, chances))
      await meanwhile(clock, Promise.all(tasks))
      expectTruth(broker, clock)
      for (let moments = 0; moments < 3; moments += 1) {
        await pass(clock, 2_000)
        expectTruth(broker, clock)
      }
    }

    clearWeather(sandbox)
    await meanwhile(clock, broker.revoke({ all: true }))
    const left = () => rows(broker, 'leases').filter(({ status }) => unfinished.includes(status))
    // What is left was lost when it was made: nobody has it, and its lease says until when it may live.
    const isLost = ({ live_until: liveUntil }: Row<'leases'>) => liveUntil !== null
    await meanwhile(
      clock,
      until(() => left().every(isLost), patienceMs),
    )
    expectTruth(broker, clock)
    const over = rows(broker, 'leases').filter(({ status }) => status === 'revoked')
    expect(over.length).toBeGreaterThan(total / 3)
    expect(left().length).toBeLessThan(total / 3)

    await clock.advance(2 * 3_600_000)
    await meanwhile(
      clock,
      until(() => left().length === 0, patienceMs),
    )
    expectTruth(broker, clock)
    expect(await discrepancies(broker)).toEqual([])
  },
)
