import {
  DeleteRolePolicyCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  ListRolePoliciesCommand,
  PutRolePolicyCommand,
} from '@aws-sdk/client-iam'
import { AssumeRoleCommand } from '@aws-sdk/client-sts'
import { expect, test } from 'vitest'
import { defaultSettings } from '../../src/sandbox/aws/settings.ts'
import { awsWorld, codeOf, credentialOf } from '../support/aws-client.ts'

type World = Awaited<ReturnType<typeof awsWorld>>
const RoleName = 'deployer'
const deny = (Condition?: object) =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ Effect: 'Deny', Action: '*', Resource: '*', ...(Condition && { Condition }) }],
  })
const put = ({ iam }: World, PolicyName: string, PolicyDocument: string, role = RoleName) =>
  iam.send(new PutRolePolicyCommand({ RoleName: role, PolicyName, PolicyDocument }))
const get = ({ iam }: World, PolicyName: string) =>
  iam.send(new GetRolePolicyCommand({ RoleName, PolicyName }))
const assume = async ({ sts, deployer }: World, RoleSessionName = 'lease_1') =>
  await sts.send(new AssumeRoleCommand({ RoleArn: deployer, RoleSessionName }))

test('a policy is written, read back percent-encoded, listed and deleted', async () => {
  const world = await awsWorld()
  await put(world, 'p', deny())
  const { PolicyDocument } = await get(world, 'p')
  expect(PolicyDocument).toMatch(/^%7B%22Version/)
  expect(decodeURIComponent(PolicyDocument!)).toBe(deny())
  const list = () => world.iam.send(new ListRolePoliciesCommand({ RoleName }))
  expect((await list()).PolicyNames).toEqual(['p'])
  await world.iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName: 'p' }))
  expect((await list()).PolicyNames).toEqual([])
})

test('lists come in pages', async () => {
  const world = await awsWorld()
  for (const name of ['a', 'b', 'c']) await put(world, name, deny())
  const first = await world.iam.send(new ListRolePoliciesCommand({ RoleName, MaxItems: 2 }))
  expect(first).toMatchObject({ PolicyNames: ['a', 'b'], IsTruncated: true })
  const rest = await world.iam.send(new ListRolePoliciesCommand({ RoleName, Marker: first.Marker }))
  expect(rest).toMatchObject({ PolicyNames: ['c'], IsTruncated: false })
})

test('a role tells its id and how long its sessions may be', async () => {
  const world = await awsWorld()
  const { Role } = await world.iam.send(new GetRoleCommand({ RoleName: 'reader' }))
  expect(Role).toMatchObject({
    Arn: 'arn:aws:iam::123456789012:role/teams/web/reader',
    RoleId: expect.stringMatching(/^AROA[A-Z2-7]{17}$/),
    MaxSessionDuration: 7200,
  })
})

test('what does not exist is NoSuchEntity, role or policy', async () => {
  const world = await awsWorld()
  const remove = new DeleteRolePolicyCommand({ RoleName, PolicyName: 'p' })
  const works = [get(world, 'p'), put(world, 'p', deny(), 'nobody'), world.iam.send(remove)]
  for (const work of works) expect(await codeOf(work)).toBe('NoSuchEntityException')
})

test.each([
  '{}',
  'no policy',
  '{"Version":"2012-10-17","Statement":[]}',
  deny({ StringEquals: { 'aws:userid': [] } }),
  deny({ StringMatches: { 'aws:userid': 'x' } }),
  deny().replace('"Resource":"*"', '"Principal":"*"'),
])('a policy that is not one is refused: %s', async (text) => {
  expect(await codeOf(put(await awsWorld(), 'p', text))).toBe('MalformedPolicyDocumentException')
})

test('all inline policies of a role together have 10,240 characters that are not blank', async () => {
  const world = await awsWorld()
  const ofLength = (length: number) => {
    const least = deny({ StringEquals: { 'aws:userid': 'x' } }).length
    return deny({ StringEquals: { 'aws:userid': 'x'.repeat(1 + length - least) } })
  }
  await put(world, 'one', ofLength(5000))
  expect(await codeOf(put(world, 'two', ofLength(5241)))).toBe('LimitExceededException')
  await put(world, 'two', ofLength(5240).replace(',', ', \n'))
  await put(world, 'one', ofLength(4999))
})

test.each<[string, (userId: string) => object, boolean]>([
  ['of exactly its id', (id) => ({ StringEquals: { 'aws:userid': ['AROA:x', id] } }), true],
  ['of another id', () => ({ StringEquals: { 'aws:userid': 'AROA:x' } }), false],
  ['of a pattern as it is', () => ({ StringEquals: { 'aws:userid': '*:lease_1' } }), false],
  ['of its name', () => ({ StringLike: { 'aws:userid': '*:lease_1' } }), true],
  ['of the end of its name', () => ({ StringLike: { 'aws:userid': '*:ease_1' } }), false],
  [
    'of sessions before it',
    () => ({ DateLessThan: { 'aws:TokenIssueTime': '2026-11-02T09:00:00Z' } }),
    false,
  ],
  ['of sessions up to it', () => ({ DateLessThan: { 'aws:TokenIssueTime': '2026-11-02T09:00:01Z' } }), true],
  [
    'of which one condition fails',
    (id) => ({
      StringEquals: { 'aws:userid': id },
      DateLessThan: { 'aws:TokenIssueTime': '2026-11-02T09:00:00Z' },
    }),
    false,
  ],
])('a session is refused by a deny %s, or is not', async (_, condition, refused) => {
  const world = await awsWorld()
  const { Credentials, AssumedRoleUser } = await assume(world)
  await put(world, 'p', deny(condition(AssumedRoleUser!.AssumedRoleId!)))
  expect(await world.aws.use(credentialOf(Credentials), 'bucket/key')).toBe(refused ? 403 : 404)
  expect(world.ledger.alive(world.clock.now())).toHaveLength(refused ? 0 : 1)
})

test('a change is in force after its propagation, and a session that is no longer denied comes back', async () => {
  const world = await awsWorld({ propagation: 30_000 })
  const { Credentials } = await assume(world)
  const alive = () => world.ledger.alive(world.clock.now()).length
  const use = () => world.aws.use(credentialOf(Credentials), 'bucket/key')
  await put(world, 'p', deny())
  expect([await use(), alive()]).toEqual([404, 1])
  await world.clock.advance(30_000)
  expect([await use(), alive()]).toEqual([403, 0])
  await world.iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName: 'p' }))
  expect([await use(), alive()]).toEqual([403, 1])
  await world.clock.advance(30_000)
  expect([await use(), alive()]).toEqual([404, 1])
})

test('IAM may show for a while what was there before', async () => {
  const world = await awsWorld({ staleReads: 5_000 })
  await put(world, 'p', deny())
  expect(await codeOf(get(world, 'p'))).toBe('NoSuchEntityException')
  await world.clock.advance(5_000)
  expect(await codeOf(get(world, 'p'))).toBe('no error')
})

test('a caller without the permission is refused', async () => {
  const userPermissions = [{ Effect: 'Allow' as const, Action: 'iam:Get*', Resource: '*' }]
  const world = await awsWorld({ ...defaultSettings(), userPermissions })
  expect(await codeOf(put(world, 'p', deny()))).toBe('AccessDenied')
  expect(await codeOf(get(world, 'p'))).toBe('NoSuchEntityException')
})
