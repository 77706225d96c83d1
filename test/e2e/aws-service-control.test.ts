/** An AWS role behind a service control policy that keeps the broker from denying its sessions. */
import { expect, onTestFinished, test } from 'vitest'
import { startTestBroker } from '../support/broker.ts'
import { liveOn } from '../support/aws-sandbox.ts'
import { manualClock } from '../support/clock.ts'
import { until } from '../support/until.ts'

const role_arn = 'arn:aws:iam::123456789012:role/deployer'
const detail = { type: 'aws', role_arn }

test('is not minted from until the broker may, and a workload is told why', async () => {
  const clock = manualClock()
  const broker = await startTestBroker({
    clock,
    settings({ aws }) {
      liveOn(aws.accessKey)
      aws.settings.serviceControl = [{ Effect: 'Deny', Action: 'iam:PutRolePolicy', Resource: '*' }]
      const { endpoints, region } = aws
      return {
        providers: {
          aws: [{ name: 'prod', region, endpoints, roles: [{ arn: role_arn, class: 'deploy' }] }],
        },
      }
    },
    files: { 'policies/aws.cedar': '@id("all") permit (principal, action, resource);' },
  })
  onTestFinished(() => broker[Symbol.asyncDispose]())
  const { aws, ledger } = broker.sandbox
  await until(() => aws.operations.includes('PutRolePolicy'))
  const { body: task } = await broker.open({ authorization_details: [detail], ttl: 600 })
  expect(await until(async () => (await broker.mint(task, detail)).status === 422)).toBe(true)
  expect(await broker.mint(task, detail)).toMatchObject({
    status: 422,
    body: {
      code: 'provider_rejected',
      detail: expect.stringMatching(/could not be taken back: .*may not write the policies of the role/),
    },
  })
  expect(broker.log.join('')).toContain('upstream could not be kept in order')

  aws.settings.serviceControl = []
  await clock.advance(60_000)
  const { body } = await until(async () => {
    const minted = await broker.mint(task, detail)
    return minted.status === 201 && minted
  })
  expect(await aws.use(body.credential, 'bucket/key')).toBe(404)
  await broker.complete(task)
  expect(ledger.alive(clock.now())).toEqual([])
})
