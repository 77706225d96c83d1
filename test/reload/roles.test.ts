/** Roles in change: a role that a lease still needs may only be retired. */
import { expect, test } from 'vitest'
import { liveOn } from '../support/aws-sandbox.ts'
import { beside } from '../support/database.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { expectRefusal } from '../support/refusal.ts'
import { filesOf } from '../support/broker-files.ts'

const arn = (name: string) => `arn:aws:iam::123456789012:role/${name}`
const detail = { type: 'aws', role_arn: arn('deployer') }

const broker = await sharedBroker({
  settings({ aws }) {
    liveOn(aws.accessKey)
    const { endpoints, region } = aws
    const roles = ['deployer', 'other'].map((name) => ({ arn: arn(name), class: 'deploy' }))
    return { providers: { aws: [{ name: 'prod', region, endpoints, roles }] } }
  },
  files: { 'policies/aws.cedar': '@id("all")\npermit (principal, action, resource);\n' },
})
const { configure, reload } = await filesOf(broker)

test.each(['null', '{}'])(
  'a lease whose detail reads %s needs no role that could be named',
  async (spoilt) => {
    const { body: task } = await broker.open({ authorization_details: [detail] })
    const { body: minted } = await broker.mint(task, detail)
    await broker.stop()
    beside(broker, (db) =>
      db.prepare('update leases set detail = ? where id = ?').run(spoilt, minted.lease.id),
    )
    await broker.start()
    expect((await broker.complete(task)).body.leases).toMatchObject([
      { status: 'revoked', evidence: { result: 'denied' } },
    ])
  },
)

test('a connection may not lose the power to revoke what it minted with it', async () => {
  const { body: task } = await broker.open({ authorization_details: [detail] })
  expect((await broker.mint(task, detail)).status).toBe(201)
  await configure(({ providers }) => (providers.aws[0].revocation = 'expiry'))
  const refused = await reload()
  expectRefusal(refused, 409, 'conflict')
  expect(refused.body.detail).toContain('live leases still need the aws connection prod as it was')
  expect((await broker.complete(task)).body.leases).toMatchObject([
    { status: 'revoked', evidence: { result: 'denied' } },
  ])
  await configure(({ providers }) => (providers.aws[0].revocation = 'deny-policy'))
})

test('a role that a lease needs may not go, only be retired, which ends its tasks', async () => {
  const { body: task } = await broker.open({ authorization_details: [detail] })
  expect((await broker.mint(task, detail)).status).toBe(201)
  await configure(({ providers }) => providers.aws[0].roles.shift())
  const refused = await reload()
  expectRefusal(refused, 409, 'conflict')
  expect(refused.body.detail).toContain(
    `live leases still need the role ${arn('deployer')} of the aws connection prod`,
  )
  expect((await broker.read(task)).body).toMatchObject({ status: 'active' })
  await configure(({ providers }) => (providers.aws[0].roles[0].retired = true))
  expect((await reload()).status).toBe(200)
  expectRefusal(await broker.open({ authorization_details: [detail] }), 400, 'invalid_request')
  expect((await broker.read(task)).body).toMatchObject({
    status: 'revoked',
    end_reason: 'policy_changed',
    leases: [{ status: 'revoked', evidence: { result: 'denied' } }],
  })
})
