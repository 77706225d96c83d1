import { expect, test } from 'vitest'
import { liveOn } from '../support/aws-sandbox.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const arn = 'arn:aws:iam::123456789012:role/deployer'
const broker = await sharedBroker({
  settings({ aws: { accessKey, endpoints, region } }) {
    liveOn(accessKey)
    const roles = [{ arn, class: 'deploy' }]
    return { providers: { aws: [{ name: 'prod', region, revocation: 'expiry', endpoints, roles }] } }
  },
  files: { 'policies/aws.cedar': '@id("all") permit (principal, action, resource is Mayfly::AwsRole);' },
})
const open = (ttl: number) => broker.open({ authorization_details: [{ type: 'aws', role_arn: arn }], ttl })

test('a task shorter than the shortest session is refused where nothing ends a session but its expiry', async () => {
  expect(await open(899)).toMatchObject({
    status: 400,
    body: { code: 'invalid_request', detail: expect.stringContaining('900 seconds at least') },
  })
  expect(broker.sandbox.aws.requests).toEqual([])
})

test('in one that is as long the lease says beforehand that only expiry ends it, and waits for that', async () => {
  const { body: task } = await open(900)
  const { body } = await broker.mint(task, { type: 'aws', role_arn: arn })
  expect(body.lease).toMatchObject({ revocation: 'expiry', status: 'active' })
  const completed = await broker.complete(task)
  expect(completed.body.leases).toMatchObject([{ status: 'revoking', evidence: null }])
})
