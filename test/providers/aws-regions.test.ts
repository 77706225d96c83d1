/** One role in several connections, a region each: it has one share of slots, and one policy. */
import { beforeEach, expect, test } from 'vitest'
import { liveOn } from '../support/aws-sandbox.ts'
import { agentFiles, subjectOf } from '../support/agents.ts'
import { startTestBroker, type TestBroker } from '../support/broker.ts'
import { filesOf } from '../support/broker-files.ts'
import { manualClock, type ManualClock } from '../support/clock.ts'
import { until } from '../support/until.ts'
import { onTestFinished } from 'vitest'

const role_arn = 'arn:aws:iam::123456789012:role/deployer'
const by = (connection: string) => ({ type: 'aws', role_arn, connection })
const [eu, us] = [by('eu'), by('us')]
const other = { subject: subjectOf('other-bot') }

let clock: ManualClock
let broker: TestBroker
beforeEach(async () => {
  clock = manualClock()
  broker = await startTestBroker({
    clock,
    settings({ aws }) {
      liveOn(aws.accessKey)
      const connection = (name: string, region: string) => ({
        name,
        region,
        endpoints: { ...aws.endpoints },
        roles: [{ arn: role_arn, class: 'deploy' }],
      })
      return { providers: { aws: [connection('eu', 'eu-west-1'), connection('us', 'us-east-1')] } }
    },
    files: {
      ...agentFiles('other-bot'),
      'policies/aws.cedar': '@id("all") permit (principal, action, resource);',
    },
  })
  onTestFinished(() => broker[Symbol.asyncDispose]())
})

const open = async (claims?: Record<string, unknown>) =>
  (await broker.open({ authorization_details: [eu, us], ttl: 600 }, claims)).body
/** Leaves room for so few denials as the role's other policies do. */
const crowd = (characters: number) => {
  const frame = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:","Resource":"*"}]}'
  const text = frame.replace('s3:', `s3:${'x'.repeat(characters - frame.length)}`)
  broker.sandbox.aws.setInlinePolicy('deployer', 'own', text)
}
const inPolicies = () => [...broker.sandbox.aws.inlinePolicies('deployer').values()].join('')

test('an agent has one share of the role, through whatever connections it takes it', async () => {
  const task = await open()
  const statuses: number[] = []
  for (let count = 0; count < 44; count += 1)
    statuses.push((await broker.mint(task, count % 2 === 0 ? eu : us)).status)
  const granted = statuses.filter((status) => status === 201).length
  expect(granted).toBe(40)
  expect(statuses.slice(granted)).toEqual([429, 429, 429, 429])
  // Another agent has its own.
  expect((await broker.mint(await open({ sub: other.subject }), us)).status).toBe(201)
})

test('what one connection denies the other keeps denied', async () => {
  const task = await open()
  const [first, second] = [(await broker.mint(task, eu)).body, (await broker.mint(task, us)).body]
  const { token } = { token: task.task_token }
  for (const { lease } of [first, second])
    await broker.call('POST', `/v1/tasks/${task.id}/leases/${lease.id}/revoke`, { token })
  for (const { credential } of [first, second])
    expect(await broker.sandbox.aws.use(credential, 'bucket/key')).toBe(403)
  await clock.advance(60_000)
  await until(async () => Promise.resolve(inPolicies().match(/lease_/g)?.length === 2))
  expect(broker.sandbox.ledger.alive(clock.now())).toEqual([])
})

test('when the role has no room left, the leases that are denied besides end with evidence', async () => {
  const bystander = await open({ sub: other.subject })
  const hit = (await broker.mint(bystander, us)).body
  await clock.advance(5_000)
  const task = await open()
  for (let count = 0; count < 8; count += 1) expect((await broker.mint(task, eu)).status).toBe(201)
  await clock.advance(5_000)
  const spared = (await broker.mint(bystander, us)).body
  crowd(10_240 - 400)

  const completed = await broker.complete(task)
  expect(completed.body.leases).toMatchObject(
    Array.from({ length: 8 }, () => ({ status: 'revoked', evidence: { result: 'denied' } })),
  )
  expect(inPolicies()).toContain('aws:TokenIssueTime')
  const seen = await until(async () => {
    await clock.advance(100)
    const { body } = await broker.read(bystander)
    const lease = body.leases.find(({ id }: { id: string }) => id === hit.lease.id)
    return lease.status === 'revoked' && lease
  })
  expect(seen.evidence).toMatchObject({
    result: 'denied',
    method: expect.stringContaining('denies every session issued before'),
  })
  expect(await broker.sandbox.aws.use(hit.credential, 'bucket/key')).toBe(403)
  // And no other: who is younger goes on.
  const { body } = await broker.read(bystander)
  expect(body.status).toBe('active')
  expect(body.leases.find(({ id }: { id: string }) => id === spared.lease.id).status).toBe('active')
  expect(await broker.sandbox.aws.use(spared.credential, 'bucket/key')).toBe(404)
  expect(broker.log.join('')).toContain('upstream refuses more than it was asked to')
})

test('a role-wide deny that only AWS knows of ends them too, after a restart', async () => {
  const task = await open()
  const { lease } = (await broker.mint(task, us)).body
  await clock.advance(5_000)
  await broker.stop()
  const [name] = [...broker.sandbox.aws.inlinePolicies('deployer').keys()]
  expect(name).toBeUndefined()
  const before = new Date(clock.now()).toISOString().replace('.000Z', 'Z')
  const statement = { Effect: 'Deny', Action: '*', Resource: '*' }
  const Condition = { DateLessThan: { 'aws:TokenIssueTime': before } }
  const text = JSON.stringify({ Version: '2012-10-17', Statement: [{ ...statement, Condition }] })
  await broker.start()
  // Its name tells the installation, which nothing has shown yet.
  const second = (await broker.mint(task, eu)).body
  await broker.call('POST', `/v1/tasks/${task.id}/leases/${second.lease.id}/revoke`, {
    token: task.task_token,
  })
  const [ours] = [...broker.sandbox.aws.inlinePolicies('deployer').keys()]
  await broker.stop()
  broker.sandbox.aws.setInlinePolicy('deployer', ours!, text)
  await broker.start()
  const seen = await until(async () => {
    await clock.advance(1_000)
    const { body } = await broker.read(task)
    const found = body.leases.find(({ id }: { id: string }) => id === lease.id)
    return found.status === 'revoked' && found
  })
  expect(seen.evidence).toMatchObject({ result: 'denied' })
})

test('a reload forgets nothing of what was written', async () => {
  const { reload } = await filesOf(broker)
  crowd(10_240 - 400)
  const task = await open()
  for (let count = 0; count < 8; count += 1) await broker.mint(task, eu)
  await broker.complete(task)
  expect(inPolicies()).toContain('aws:TokenIssueTime')
  expect((await reload()).status).toBe(200)
  broker.sandbox.aws.setInlinePolicy('deployer', 'own', undefined)
  await clock.advance(60_000)
  await until(async () => Promise.resolve(!inPolicies().includes('aws:TokenIssueTime')))
})
