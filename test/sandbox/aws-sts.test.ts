import { AssumeRoleCommand, GetCallerIdentityCommand, type AssumeRoleCommandInput } from '@aws-sdk/client-sts'
import { expect, test } from 'vitest'
import { defaultSettings } from '../../src/sandbox/aws/settings.ts'
import { awsWorld, codeOf, credentialOf, keyPair } from '../support/aws-client.ts'

type World = Awaited<ReturnType<typeof awsWorld>>
const assume = ({ sts, deployer }: World, change: Partial<AssumeRoleCommandInput> = {}, from = sts) =>
  from.send(new AssumeRoleCommand({ RoleArn: deployer, RoleSessionName: 'lease_1', ...change }))
const allowAll = JSON.stringify({
  Version: '2012-10-17',
  Statement: { Effect: 'Allow', Action: '*', Resource: '*' },
})

test('a role is assumed: a session with an id, an ARN and an end', async () => {
  const world = await awsWorld()
  const answer = await assume(world, { DurationSeconds: 900, SourceIdentity: 'task_1' })
  expect(answer).toMatchObject({
    AssumedRoleUser: {
      Arn: 'arn:aws:sts::123456789012:assumed-role/deployer/lease_1',
      AssumedRoleId: expect.stringMatching(/^AROA[A-Z2-7]{17}:lease_1$/),
    },
    SourceIdentity: 'task_1',
    Credentials: { Expiration: new Date(world.clock.now() + 900_000) },
  })
  expect(world.ledger.alive(world.clock.now())).toMatchObject([
    {
      provider: 'aws',
      fingerprint: answer.Credentials?.AccessKeyId,
      secret: answer.Credentials?.SessionToken,
    },
  ])
})

test.each<[Partial<AssumeRoleCommandInput>, string]>([
  [{ DurationSeconds: 900 }, 'no error'],
  [{ DurationSeconds: 899 }, 'ValidationError'],
  [{ DurationSeconds: 3600 }, 'no error'],
  [{ DurationSeconds: 3601 }, 'ValidationError'],
  [{ RoleSessionName: 'x' }, 'ValidationError'],
  [{ RoleSessionName: 'x'.repeat(65) }, 'ValidationError'],
  [{ RoleSessionName: 'a b' }, 'ValidationError'],
  [{ SourceIdentity: 'a/b' }, 'ValidationError'],
  [{ ExternalId: 'x' }, 'ValidationError'],
  [{ Policy: allowAll.padEnd(2048) }, 'no error'],
  [{ Policy: allowAll.padEnd(2049) }, 'ValidationError'],
  [{ Policy: '{}' }, 'MalformedPolicyDocumentException'],
  [{ Policy: '{' }, 'MalformedPolicyDocumentException'],
  [{ Policy: allowAll.replace('Allow', 'Permit') }, 'MalformedPolicyDocumentException'],
  [{ Policy: `${allowAll}\u2028` }, 'MalformedPolicyDocumentException'],
  [{ Tags: [{ Key: 'a', Value: '' }] }, 'no error'],
  [{ Tags: [{ Key: 'a', Value: '<' }] }, 'ValidationError'],
  [{ Tags: [{ Key: 'a', Value: 'x'.repeat(257) }] }, 'ValidationError'],
  [{ Tags: [{ Key: 'aws:a', Value: 'x' }] }, 'ValidationError'],
  [{ Tags: ['a', 'A'].map((Key) => ({ Key, Value: 'x' })) }, 'ValidationError'],
  [{ Tags: Array.from({ length: 50 }, (_, n) => ({ Key: `k${n}`, Value: 'x' })) }, 'no error'],
  [{ Tags: Array.from({ length: 51 }, (_, n) => ({ Key: `k${n}`, Value: 'x' })) }, 'ValidationError'],
  [{ RoleArn: 'arn:aws:iam::123456789012:role/nobody' }, 'AccessDenied'],
])('AssumeRole with %j: %s', async (change, code) => {
  const world = await awsWorld()
  expect(await codeOf(assume(world, change))).toBe(code)
  expect(world.ledger.entries).toHaveLength(code === 'no error' ? 1 : 0)
})

test.each<[string, object, Partial<AssumeRoleCommandInput>]>([
  ['another account', { account: false }, {}],
  ['a source identity', { setSourceIdentity: false }, { SourceIdentity: 'task_1' }],
  ['tags', { tagSession: false }, { Tags: [{ Key: 'a', Value: 'b' }] }],
  ['no external id', { externalId: 'acme' }, {}],
  ['another external id', { externalId: 'acme' }, { ExternalId: 'Acme' }],
])('a trust policy that does not allow %s refuses', async (_, change, asked) => {
  const settings = defaultSettings()
  Object.assign(settings.roles[0]!.trust, change)
  expect(await codeOf(assume(await awsWorld(settings), asked))).toBe('AccessDenied')
})

test('a session assumes a role for an hour at most', async () => {
  const world = await awsWorld()
  world.aws.settings.roles[0]!.maxSessionDuration = 43_200
  const { Credentials } = await assume(world, { DurationSeconds: 43_200 })
  const { sts } = world.as(keyPair(Credentials))
  expect(await codeOf(assume(world, { DurationSeconds: 3601 }, sts))).toBe('ValidationError')
  expect(await codeOf(assume(world, { DurationSeconds: 3600 }, sts))).toBe('no error')
})

test('nobody is known by a wrong secret, an unknown key, a stale date or another session token', async () => {
  const world = await awsWorld()
  const { accessKey } = world.aws
  const { Credentials } = await assume(world)
  const pair = keyPair(Credentials)
  const whoAmI = (credentials: typeof accessKey, ahead?: number) =>
    codeOf(world.as(credentials, ahead).sts.send(new GetCallerIdentityCommand()))
  expect(await whoAmI(accessKey)).toBe('no error')
  expect(await whoAmI({ ...accessKey, secretAccessKey: 'x'.repeat(40) })).toBe('SignatureDoesNotMatch')
  expect(await whoAmI({ ...accessKey, accessKeyId: 'AKIAAAAAAAAAAAAAAAAA' })).toBe('InvalidClientTokenId')
  expect(await whoAmI(accessKey, 301_000)).toBe('SignatureDoesNotMatch')
  expect(await whoAmI(accessKey, -299_000)).toBe('no error')
  expect(await whoAmI({ ...pair, sessionToken: 'other' } as typeof accessKey)).toBe('InvalidClientTokenId')
})

test('a request that was changed on its way is refused', async () => {
  const world = await awsWorld()
  world.sts.middlewareStack.add(
    (next) => (args) => {
      const request = args.request as { body: string }
      request.body = request.body.replace('lease_1', 'lease_2')
      return next(args)
    },
    { step: 'deserialize', priority: 'low' },
  )
  expect(await codeOf(assume(world))).toBe('SignatureDoesNotMatch')
})

test('a request without a signature is refused', async () => {
  const world = await awsWorld()
  const body = 'Action=GetCallerIdentity&Version=2011-06-15'
  const answer = await fetch(`${world.aws.endpoints.sts}/`, { method: 'POST', body })
  expect(answer.status).toBe(403)
  expect(await answer.text()).toContain('<Code>MissingAuthenticationToken</Code>')
})

test('an expired session is nobody', async () => {
  const world = await awsWorld()
  const { Credentials } = await assume(world, { DurationSeconds: 900 })
  expect(await world.aws.use(credentialOf(Credentials), 'bucket/key', 'x')).toBe(200)
  await world.clock.advance(900_000)
  expect(await world.aws.use(credentialOf(Credentials), 'bucket/key')).toBe(403)
  expect(world.ledger.entries).toMatchObject([{ uses: 1, refusals: 1 }])
})

test('a session that is denied everything still knows who it is', async () => {
  const world = await awsWorld()
  const { Credentials, AssumedRoleUser } = await assume(world)
  const deny = { Version: '2012-10-17', Statement: { Effect: 'Deny', Action: '*', Resource: '*' } }
  world.aws.setInlinePolicy('deployer', 'deny', JSON.stringify(deny))
  expect(await world.aws.use(credentialOf(Credentials), 'bucket/key')).toBe(403)
  const { sts } = world.as(keyPair(Credentials))
  expect(await sts.send(new GetCallerIdentityCommand())).toMatchObject({
    UserId: AssumedRoleUser?.AssumedRoleId,
  })
})

test('a session policy only narrows', async () => {
  const settings = defaultSettings()
  settings.roles[0]!.permissions = [{ Effect: 'Allow', Action: 's3:Get*', Resource: '*' }]
  const world = await awsWorld(settings)
  const { Credentials } = await assume(world, { Policy: allowAll })
  expect(await world.aws.use(credentialOf(Credentials), 'bucket/key', 'x')).toBe(403)
  expect(await world.aws.use(credentialOf(Credentials), 'bucket/key')).toBe(404)
})
