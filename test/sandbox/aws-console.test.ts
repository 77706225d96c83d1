/** Console sessions of the local AWS, and service control policies. */
import { PutRolePolicyCommand } from '@aws-sdk/client-iam'
import { AssumeRoleCommand } from '@aws-sdk/client-sts'
import { expect, test } from 'vitest'
import { awsWorld, codeOf, credentialOf, keyPair } from '../support/aws-client.ts'

type World = Awaited<ReturnType<typeof awsWorld>>
const hour = 3_600_000
const assume = async ({ sts, deployer }: World, from = sts) => {
  const asked = { RoleArn: deployer, RoleSessionName: 'lease_1', DurationSeconds: 900 }
  return await from.send(new AssumeRoleCommand(asked))
}
const denyBy = (Condition: object) =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: { Effect: 'Deny', Action: '*', Resource: '*', Condition },
  })

test('a session goes on in the console for up to 12 hours, under its own id', async () => {
  const world = await awsWorld()
  const { Credentials, AssumedRoleUser } = await assume(world)
  const console = await world.aws.signIn(credentialOf(Credentials), 43_200)
  await world.clock.advance(11 * hour)
  expect(await world.aws.use(credentialOf(Credentials), 'bucket/key')).toBe(403)
  expect(await world.aws.use(console, 'bucket/key')).toBe(404)
  expect(world.ledger.alive(world.clock.now())).toHaveLength(1)

  const PolicyDocument = denyBy({ StringEquals: { 'aws:userid': AssumedRoleUser!.AssumedRoleId } })
  const put = new PutRolePolicyCommand({ RoleName: 'deployer', PolicyName: 'p', PolicyDocument })
  await world.as(world.aws.accessKey).iam.send(put)
  expect(await world.aws.use(console, 'bucket/key')).toBe(403)
  expect(world.ledger.alive(world.clock.now())).toEqual([])
})

test('a console session is over after its own time', async () => {
  const world = await awsWorld()
  const console = await world.aws.signIn(credentialOf((await assume(world)).Credentials), 43_200)
  await world.clock.advance(12 * hour)
  expect(await world.aws.use(console, 'bucket/key')).toBe(403)
})

test.each([899, 43_201, 1e9])('a console session of %i seconds is refused', async (seconds) => {
  const world = await awsWorld()
  const { Credentials } = await assume(world)
  await expect(world.aws.signIn(credentialOf(Credentials), seconds)).rejects.toThrow('Invalid duration')
})

test('a session that a session made goes on in the console no longer than itself', async () => {
  const world = await awsWorld()
  const first = await assume(world)
  const { Credentials } = await assume(world, world.as(keyPair(first.Credentials)).sts)
  await expect(world.aws.signIn(credentialOf(Credentials), 43_200)).rejects.toThrow('Invalid duration')
  const console = await world.aws.signIn(credentialOf(Credentials))
  await world.clock.advance(900_000)
  expect(await world.aws.use(console, 'bucket/key')).toBe(403)
})

test('credentials that are over, or altered, make no console session', async () => {
  const world = await awsWorld()
  const credential = credentialOf((await assume(world)).Credentials)
  const altered = { ...credential, secret_access_key: 'x' }
  await expect(world.aws.signIn(altered)).rejects.toThrow('Invalid session')
  await world.clock.advance(900_000)
  await expect(world.aws.signIn(credential)).rejects.toThrow('Invalid session')
})

test('what a service control policy denies nobody in the account may do', async () => {
  const world = await awsWorld({
    serviceControl: [{ Effect: 'Deny', Action: 'iam:PutRolePolicy', Resource: '*' }],
  })
  const PolicyDocument = denyBy({ StringEquals: { 'aws:userid': 'x' } })
  const put = new PutRolePolicyCommand({ RoleName: 'deployer', PolicyName: 'p', PolicyDocument })
  expect(await codeOf(world.iam.send(put))).toBe('AccessDenied')
  expect(await codeOf(assume(world))).toBe('no error')
})
