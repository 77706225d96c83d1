/** One agent, one role, job after job: how many, and what it is told then. */
import { expect, onTestFinished, test } from 'vitest'
import { everyUpstream } from '../../src/sandbox/configuration.ts'
import { startTestBroker } from '../support/broker.ts'
import { liveOn } from '../support/aws-sandbox.ts'
import { manualClock } from '../support/clock.ts'
import { until } from '../support/until.ts'

const role_arn = 'arn:aws:iam::123456789012:role/deployer'
const detail = { type: 'aws', role_arn }
const everything = { 'policies/aws.cedar': '@id("all") permit (principal, action, resource);' }

/** A broker whose sessions stand as long as they live, or, with a user's keys, for 12 hours. */
async function start(as: 'role' | 'user') {
  const clock = manualClock()
  const broker = await startTestBroker({
    clock,
    settings(sandbox, port) {
      const { aws } = sandbox
      if (as === 'role') {
        const { settings } = everyUpstream(sandbox, port)
        return { providers: { aws: (settings['providers'] as Record<string, unknown>)['aws'] } }
      }
      liveOn(aws.accessKey)
      const { endpoints, region } = aws
      return {
        providers: {
          aws: [{ name: 'prod', region, endpoints, roles: [{ arn: role_arn, class: 'deploy' }] }],
        },
      }
    },
    files: everything,
  })
  onTestFinished(() => broker[Symbol.asyncDispose]())
  const job = async () => {
    const { body: task } = await broker.open({ authorization_details: [detail] })
    const minted = await broker.mint(task, detail)
    await broker.complete(task)
    return minted
  }
  return { broker, clock, job }
}

test('job 41 within 15 minutes is told when the first session has expired, and is served then', async () => {
  const { clock, job } = await start('role')
  for (let count = 0; count < 40; count += 1) {
    expect((await job()).status).toBe(201)
    await clock.advance(10_000)
  }
  const refused = await job()
  expect(refused.status).toBe(429)
  expect(refused.headers.get('Retry-After')).toBe('500')
  expect(refused.body).toMatchObject({
    code: 'limit_exceeded',
    detail: expect.stringMatching(/given back or not, and the next becomes free at 2026-11-02T09:15:00/),
  })
  await clock.advance(499_000)
  expect((await job()).status).toBe(429)
  await clock.advance(1_000)
  expect((await job()).status).toBe(201)
})

test("a user's sessions count for as long as a console session could live", async () => {
  const { clock, job } = await start('user')
  for (let count = 0; count < 40; count += 1) expect((await job()).status).toBe(201)
  await clock.advance(3_600_000)
  expect((await job()).headers.get('Retry-After')).toBe(String(11 * 3600))
  await clock.advance(11 * 3_600_000)
  expect((await job()).status).toBe(201)
})

test.each([
  ['ServiceUnavailable', 503],
  ['InternalFailure', 500],
])(
  'an STS that says %s has made nothing: no slot is taken, and the next mint works',
  async (code, status) => {
    const { broker, job } = await start('role')
    const body = `<ErrorResponse><Error><Type>Receiver</Type><Code>${code}</Code><Message>m</Message></Error></ErrorResponse>`
    expect((await job()).status).toBe(201)
    const { aws, ledger } = broker.sandbox
    const storm = aws.faults.add({ kind: 'status', status, body, on: ({ path }) => path.startsWith('/sts') })
    for (let count = 0; count < 60; count += 1) expect((await job()).status).toBe(503)
    storm.clear()
    expect((await job()).status).toBe(201)
    expect(ledger.entries.filter(({ provider }) => provider === 'aws')).not.toHaveLength(0)
  },
)

test('one whose answers are lost is not charged with what may have come of them either', async () => {
  const { broker, job } = await start('role')
  expect((await job()).status).toBe(201)
  const { aws } = broker.sandbox
  const storm = aws.faults.add({ kind: 'status', status: 502, on: ({ path }) => path.startsWith('/sts') })
  for (let count = 0; count < 45; count += 1) await job()
  storm.clear()
  expect(await until(async () => (await job()).status === 201)).toBe(true)
})
