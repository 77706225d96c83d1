/** One agent, one role, job after job: how many, and what it is told then. */
import { expect, onTestFinished, test } from 'vitest'
import { everyUpstream } from '../../src/sandbox/configuration.ts'
import { startTestBroker } from '../support/broker.ts'
import { liveOn } from '../support/aws-sandbox.ts'
import { asTimePasses, manualClock } from '../support/clock.ts'
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
    detail: expect.stringMatching(/given back or not, and the next is free at 2026-11-02T09:15:00/),
  })
  await clock.advance(499_000)
  expect((await job()).status).toBe(429)
  await clock.advance(1_000)
  expect((await job()).status).toBe(201)
})

test("a user's sessions count for as long as a console session could live", async () => {
  const { clock, job } = await start('user')
  for (let count = 0; count < 40; count += 1) expect((await job()).status).toBe(201)
  const pass = async (hours: number) => {
    // In one leap: what looks around every few seconds would otherwise do so thousands of times.
    clock.notBefore(clock.now() + hours * 3_600_000)
    await clock.advance(0)
  }
  await pass(1)
  expect((await job()).headers.get('Retry-After')).toBe(String(11 * 3600))
  await pass(11)
  // What was under way at the leap came too late by that, and is tried again in a moment.
  expect((await asTimePasses(clock, job())).status).toBe(201)
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

test('jobs that ask all at once are told the same while the first are being minted', async () => {
  const { broker, clock } = await start('role')
  const { body: task } = await broker.open({ authorization_details: [detail] })
  const held = broker.sandbox.aws.faults.add({ kind: 'hang', on: ({ path }) => path.startsWith('/sts') })
  const first = Array.from({ length: 40 }, () => broker.mint(task, detail).catch(() => undefined))
  await until(async () => (await broker.read(task)).body.leases.length === 40)
  const refused = await broker.mint(task, detail)
  expect(refused.status).toBe(429)
  expect(Number(refused.headers.get('Retry-After'))).toBe(900)
  expect(refused.body.detail).toContain('some are being minted')
  held.clear()
  await clock.advance(20_000)
  await Promise.allSettled(first)
})

test('a role that is full of other policies is called that', async () => {
  const { broker, clock, job } = await start('role')
  await job()
  const frame = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:","Resource":"*"}]}'
  const text = frame.replace('s3:', `s3:${'x'.repeat(10_240 - frame.length - 300)}`)
  broker.sandbox.aws.setInlinePolicy('deployer', 'own', text)
  // Found out when the room is next needed.
  for (let count = 0; count < 3; count += 1) await job()
  await clock.advance(60_000)
  expect(await job()).toMatchObject({
    status: 429,
    body: { detail: expect.stringContaining('upstream has no room to take anything back') },
  })
})
