import { expect, test } from 'vitest'
import { sandboxWorkload } from '../../src/sandbox/configuration.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { until } from '../support/until.ts'
import { liveOn } from '../support/aws-sandbox.ts'

const role_arn = 'arn:aws:iam::123456789012:role/deployer'
const detail = { type: 'aws', role_arn }

const broker = await sharedBroker({
  settings({ aws }) {
    liveOn(aws.accessKey)
    const { endpoints, region } = aws
    return {
      providers: { aws: [{ name: 'prod', region, endpoints, roles: [{ arn: role_arn, class: 'deploy' }] }] },
    }
  },
  files: {
    'policies/aws.cedar': `@id("bot-deploys")
permit (principal == Mayfly::Agent::"refactor-bot",
        action == Mayfly::Action::"aws.assume_role.deploy",
        resource == Mayfly::AwsRole::"${role_arn}")
when { ["*", "arn:aws:s3:::bucket/*"].containsAll(context.aws_resources) };
`,
  },
})
const { aws, ledger } = broker.sandbox

test('a task gets a session of its role, which is denied when the task completes', async () => {
  const { body: task } = await broker.open({ authorization_details: [detail] })
  const { status, body } = await broker.mint(task, detail)
  expect(status).toBe(201)
  expect(body.lease).toMatchObject({
    provider: 'aws',
    class: 'deploy',
    revocation: 'eventual',
    status: 'active',
  })
  expect(await aws.use(body.credential, 'bucket/key', 'text')).toBe(200)

  const completed = await broker.complete(task)
  expect(completed.body.leases).toMatchObject([
    { status: 'revoked', fingerprint: body.credential.access_key_id, evidence: { result: 'denied' } },
  ])
  expect(await aws.use(body.credential, 'bucket/key')).toBe(403)
  expect(ledger.alive()).toEqual([])
})

test('20 leases of one task end with it, at the cost of a few writes', async () => {
  const { body: task } = await broker.open({ authorization_details: [detail] })
  const minted = await Promise.all(Array.from({ length: 20 }, () => broker.mint(task, detail)))
  expect(minted.map(({ status }) => status)).toEqual(minted.map(() => 201))
  const before = aws.operations.length
  const completed = await broker.complete(task)
  expect(completed.body.leases.every((lease: { status: string }) => lease.status === 'revoked')).toBe(true)
  expect(aws.operations.slice(before).filter((name) => name === 'PutRolePolicy').length).toBeLessThanOrEqual(
    3,
  )
})

test('a narrowing is decided on, and holds', async () => {
  const narrowing = (bucket: string) => ({
    ...detail,
    actions: ['s3:GetObject'],
    resources: [`arn:aws:s3:::${bucket}/*`],
  })
  expect(await broker.open({ authorization_details: [narrowing('secret')] })).toMatchObject({
    status: 403,
    body: { code: 'policy_denied' },
  })
  const { body: task } = await broker.open({ authorization_details: [narrowing('bucket')] })
  expect(await broker.mint(task, detail)).toMatchObject({ status: 403, body: { code: 'out_of_scope' } })
  const { body } = await broker.mint(task, narrowing('bucket'))
  expect(await aws.use(body.credential, 'bucket/key')).toBe(200)
  expect(await aws.use(body.credential, 'bucket/key', 'x')).toBe(403)
})

test.each([
  [{ ...detail, role_arn: 'arn:aws:iam::123456789012:role/admin' }, 'no aws connection serves this'],
  [{ ...detail, actions: ['s3:Get*'] }, 'name both or neither'],
  [
    { ...detail, actions: ['s3:Get*'], resources: [`arn:aws:s3:::${'b'.repeat(2000)}`] },
    'session policy of more than 2048 characters',
  ],
])('%j is refused before anything is asked of AWS', async (asked, words) => {
  const before = aws.requests.length
  expect(await broker.open({ authorization_details: [asked] })).toMatchObject({
    status: 400,
    body: { code: 'invalid_request', detail: expect.stringContaining(words) },
  })
  expect(aws.requests).toHaveLength(before)
})

test('a session whose mint was lost is denied by its name, and shown until it must be over', async () => {
  const { body: task } = await broker.open({ authorization_details: [detail] }, sandboxWorkload)
  const fault = aws.faults.add({ kind: 'reset-after-processing', on: ({ path }) => path.startsWith('/sts') })
  const minted = await broker.mint(task, detail)
  fault.clear()
  expect(minted).toMatchObject({ status: 503, body: { code: 'provider_unavailable' } })
  const lease = await until(async () => {
    const { body } = await broker.read(task)
    return body.leases[0].live_until !== null && body.leases[0]
  })
  expect(lease.status).toBe('revoking')
  const policies = [...aws.inlinePolicies('deployer').values()]
  expect(policies.some((text) => text.includes(`*:${lease.id}`))).toBe(true)
})
