import { DeleteRolePolicyCommand, IAMClient } from '@aws-sdk/client-iam'
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts'
import { expect, test } from 'vitest'
import { aws } from '../../providers/aws.ts'
import { asTimePasses } from '../support/clock.ts'
import { connectAws, deployer, deploys, denyPolicy, mints, patient, revokes } from './aws-sandbox.ts'

/** Non-blank characters of every inline policy of the role ("IAM and AWS STS quotas"). */
const quota = 10_240
const anHour = 3_600_000

interface Written {
  Statement: {
    Effect: string
    Action: string
    Resource: string
    Condition: Record<string, Record<string, unknown>>
  }[]
}
const conditions = (text: string | undefined) =>
  (JSON.parse(text ?? '{"Statement":[]}') as Written).Statement.map(({ Condition }) => Condition)
const many = <T>(count: number, make: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => make(index)))

test('a session works until the deny has reached all of AWS, and from then on no more', async () => {
  const upstream = await connectAws({ settings: { propagation: 60_000 } })
  const { clock, use } = upstream
  const [ended, other] = [await upstream.mint(), await upstream.mint()]
  expect(await use(ended, 'bucket/key', 'text')).toBe(200)
  expect(await upstream.revoke([ended])).toEqual([{ done: true }])
  expect(await use(ended)).toBe(200)
  await clock.advance(60_000)
  expect(await use(ended)).toBe(403)
  expect(await use(other)).toBe(200)
})

test('a session can neither undo its own revocation nor go on as another', async () => {
  const upstream = await connectAws({ settings: { propagation: 60_000 } })
  const minted = await upstream.mint()
  const { access_key_id, secret_access_key, session_token } = minted.credential
  const own = { accessKeyId: access_key_id, secretAccessKey: secret_access_key, sessionToken: session_token }
  await upstream.revoke([minted])
  const options = {
    region: 'eu-west-1',
    credentials: own as { accessKeyId: string; secretAccessKey: string; sessionToken: string },
    maxAttempts: 1,
    systemClockOffset: upstream.clock.now() - Date.now(),
  }
  const { sts, iam } = upstream.sandbox.endpoints
  await expect(
    new IAMClient({ ...options, endpoint: iam }).send(
      new DeleteRolePolicyCommand({ RoleName: 'deployer', PolicyName: denyPolicy }),
    ),
  ).rejects.toMatchObject({ name: 'AccessDenied' })
  await expect(
    new STSClient({ ...options, endpoint: sts }).send(
      new AssumeRoleCommand({ RoleArn: deployer, RoleSessionName: 'escaped' }),
    ),
  ).rejects.toMatchObject({ name: 'AccessDenied' })
})

test('300 revoked sessions of one role end in one valid policy, and its entries go with the sessions', async () => {
  const upstream = await connectAws()
  const { clock } = upstream
  const minted = await many(100, () => upstream.mint())
  await clock.advance(60_000)
  minted.push(...(await many(100, () => upstream.mint())))
  await clock.advance(60_000)
  minted.push(...(await many(100, () => upstream.mint())))
  const untouched = await upstream.mint()

  expect(await upstream.revoke(minted)).toEqual(minted.map(() => ({ done: true })))
  const text = upstream.policy()!
  expect(text.replace(/\s/g, '').length).toBeLessThanOrEqual(quota)
  expect(upstream.alive()).toHaveLength(1)
  expect(await upstream.use(untouched)).toBe(404)

  await clock.advance(900_000 - 60_000)
  await upstream.maintain()
  // Two thirds are over: what is left has room, each by itself.
  expect(conditions(upstream.policy()).map((each) => Object.keys(each)[0])).toEqual(['StringEquals'])
  await clock.advance(120_000)
  await upstream.maintain()
  expect(upstream.policy()).toBeUndefined()
})

test('100 leases of one role that end at once cost a few calls', async () => {
  const upstream = await connectAws()
  const minted = await many(100, () => upstream.mint())
  const outcomes = await Promise.all(minted.map((one) => upstream.revoke([one])))
  expect(outcomes.flat()).toEqual(minted.map(() => ({ done: true })))
  expect(upstream.calls('PutRolePolicy')).toBeLessThanOrEqual(3)
  expect(upstream.calls('GetRolePolicy')).toBeLessThanOrEqual(6)
  expect(upstream.alive()).toEqual([])
})

test('while the policy has room no session is denied but those that ended', async () => {
  const upstream = await connectAws()
  const minted = await many(150, () => upstream.mint())
  const live = await upstream.mint()
  await upstream.revoke(minted)
  expect(conditions(upstream.policy()).map((each) => Object.keys(each)[0])).toEqual(['StringEquals'])
  expect(await upstream.use(live)).toBe(404)
})

test('when the policy is full the oldest are denied with all that are as old, and the evidence says so', async () => {
  const upstream = await connectAws()
  const { clock } = upstream
  const old = await many(100, () => upstream.mint())
  const bystander = await upstream.mint()
  await clock.advance(10_000)
  const young = await many(100, () => upstream.mint())
  const later = await upstream.mint()
  await upstream.revoke([...old, ...young])

  expect(upstream.alive()).toHaveLength(1)
  expect(await upstream.use(later)).toBe(404)
  expect(await upstream.use(bystander)).toBe(403)
  await expect(upstream.probe(old[0]!)).resolves.toMatchObject({
    result: 'denied',
    method: expect.stringContaining('every session issued before 2026-11-02T09:00:02'),
  })
  await expect(upstream.probe(young[0]!)).resolves.toMatchObject({
    result: 'denied',
    method: expect.stringContaining("this session's aws:userid"),
  })
})

test("the role's other policies count: what room they leave is found out when it is missed", async () => {
  const upstream = await connectAws()
  const other = {
    Version: '2012-10-17',
    Statement: { Effect: 'Allow', Action: 's3:*', Resource: `arn:aws:s3:::${'b'.repeat(6000)}` },
  }
  upstream.sandbox.setInlinePolicy('deployer', 'others-own', JSON.stringify(other, null, 2))
  const before = upstream.connection.slot?.(deploys).total
  const minted = await many(80, () => upstream.mint())
  expect(await upstream.revoke(minted)).toEqual(minted.map(() => ({ done: true })))
  expect(upstream.alive()).toEqual([])
  const all = [...upstream.sandbox.inlinePolicies('deployer').values()].join('')
  expect(all.replace(/\s/g, '').length).toBeLessThanOrEqual(quota)
  expect(upstream.connection.slot?.(deploys).total).toBeLessThan(before! / 2)
})

test('a role whose other policies leave no room at all is a refusal, not a revocation', async () => {
  const upstream = await connectAws({ settings: { inlineQuota: 100 } })
  const minted = await upstream.mint()
  expect(await upstream.revoke([minted])).toMatchObject([{ done: false, error: { kind: 'rejected' } }])
})

test('as many slots are lent as there is room for, each role its own', async () => {
  const { connection } = await connectAws()
  const slot = connection.slot?.(deploys)
  expect(slot).toEqual({ key: deployer, total: expect.any(Number) })
  expect(slot!.total).toBeGreaterThan(150)
  const upstream = await connectAws()
  const minted = await many(slot!.total, () => upstream.mint())
  await upstream.revoke(minted)
  expect(conditions(upstream.policy()).map((each) => Object.keys(each)[0])).toEqual(['StringEquals'])
})

test("a second writer's entries survive, as long as a session of the role can live", async () => {
  const upstream = await connectAws()
  const { sandbox, clock } = upstream
  const theirs = 'AROAAAAAAAAAAAAAAAAAA:lease_of_a_restored_backup'
  sandbox.setInlinePolicy('deployer', denyPolicy, policyOf(theirs))
  const minted = await upstream.mint()
  await upstream.revoke([minted])
  expect(upstream.policy()).toContain(theirs)
  await clock.advance(1_000_000)
  await upstream.maintain()
  expect(upstream.policy()).toContain(theirs)
  expect(upstream.policy()).not.toContain(minted.handle['assumed_role_id'])
  await clock.advance(anHour - 1_000_000)
  await upstream.maintain()
  expect(upstream.policy()).toBeUndefined()
})

const theirs = 'AROAAAAAAAAAAAAAAAAAA:theirs'
const everything = { Effect: 'Deny', Action: '*', Resource: '*' }
test.each<[string, unknown]>([
  ['one statement and no list', { ...everything, Condition: { StringEquals: { 'aws:userid': theirs } } }],
  [
    'lists of one',
    [
      {
        ...everything,
        Action: ['*'],
        Resource: ['*'],
        Condition: { StringEquals: { 'aws:userid': [theirs] } },
      },
    ],
  ],
  ['a pattern without wildcards', [{ ...everything, Condition: { StringLike: { 'aws:userid': [theirs] } } }]],
])("a second writer's entries survive where they are written as %s", async (_, Statement) => {
  const upstream = await connectAws()
  const text = JSON.stringify({ Version: '2012-10-17', Statement })
  upstream.sandbox.setInlinePolicy('deployer', denyPolicy, text)
  await upstream.revoke([await upstream.mint()])
  expect(upstream.policy()).toContain(theirs)
})

test('a pattern of a second writer stays a pattern', async () => {
  const upstream = await connectAws()
  const Condition = { StringLike: { 'aws:userid': ['AROAAAAAAAAAAAAAAAAAA:lease_0?*'] } }
  upstream.sandbox.setInlinePolicy('deployer', denyPolicy, policyOn(Condition))
  await upstream.revoke([await upstream.mint()])
  expect(conditions(upstream.policy())).toContainEqual(Condition)
})

test('a role-wide deny that somebody else still needs is kept just as long', async () => {
  const upstream = await connectAws()
  const { sandbox, clock } = upstream
  const Condition = { DateLessThan: { 'aws:TokenIssueTime': '2026-11-02T08:59:00Z' } }
  sandbox.setInlinePolicy('deployer', denyPolicy, policyOn(Condition))
  await upstream.revoke([await upstream.mint()])
  expect(conditions(upstream.policy())).toContainEqual(Condition)
  await clock.advance(anHour)
  await upstream.maintain()
  expect(upstream.policy()).toBeUndefined()
})

test('what another writer wrote over is written again', async () => {
  const upstream = await connectAws()
  const minted = await upstream.mint()
  await upstream.revoke([minted])
  upstream.sandbox.setInlinePolicy('deployer', denyPolicy, policyOf('AROAAAAAAAAAAAAAAAAAA:theirs'))
  expect(upstream.alive()).toHaveLength(1)
  await expect(upstream.probe(minted)).resolves.toMatchObject({ result: 'live' })
  await upstream.maintain()
  expect(upstream.alive()).toEqual([])
  expect(upstream.policy()).toContain('theirs')
})

test('what was removed comes back from the store, also after a restart', async () => {
  const upstream = await connectAws()
  const minted = await upstream.mint()
  await upstream.revoke([minted])
  upstream.sandbox.setInlinePolicy('deployer', denyPolicy, undefined)
  const restarted = aws.connect(upstream.config, upstream.context)
  await upstream.maintain(restarted)
  expect(upstream.alive()).toEqual([])
})

test('what the last process left behind goes, once no session of it can be alive', async () => {
  const upstream = await connectAws()
  await upstream.revoke([await upstream.mint()])
  await upstream.clock.advance(1_000_000)
  const restarted = aws.connect(upstream.config, upstream.context)
  await upstream.maintain(restarted)
  expect(upstream.policy()).toBeDefined()
  await upstream.clock.advance(anHour)
  await upstream.maintain(restarted)
  expect(upstream.policy()).toBeUndefined()
})

test("an entry that is over does not pass for somebody else's while IAM still shows it", async () => {
  const upstream = await connectAws()
  const { sandbox, clock } = upstream
  const over = await upstream.mint()
  await upstream.revoke([over])
  await clock.advance(900_000)
  const other = await upstream.mint()
  sandbox.settings.staleReads = 30_000
  await asTimePasses(clock, Promise.resolve(upstream.maintain()))
  await asTimePasses(clock, upstream.revoke([other]))
  await clock.advance(60_000)
  await upstream.maintain()
  expect(upstream.policy()).toContain(other.handle['assumed_role_id'])
  expect(upstream.policy()).not.toContain(over.handle['assumed_role_id'])
})

test('a role-wide deny is not taken to reach the sessions of that very second', async () => {
  const upstream = await connectAws()
  const minted = await upstream.mint()
  const probed = async (time: string) => {
    const Condition = { DateLessThan: { 'aws:TokenIssueTime': time } }
    upstream.sandbox.setInlinePolicy('deployer', denyPolicy, policyOn(Condition))
    return [(await upstream.probe(minted)).result, upstream.alive().length]
  }
  expect(await probed('2026-11-02T09:00:00Z')).toEqual(['live', 1])
  expect(await probed('2026-11-02T09:00:01Z')).toEqual(['denied', 0])
})

test('looking after the policies writes nothing where nothing has changed', async () => {
  const upstream = await connectAws()
  await upstream.revoke([await upstream.mint()])
  const before = upstream.calls('PutRolePolicy')
  await upstream.maintain()
  await upstream.maintain()
  expect(upstream.calls('PutRolePolicy')).toBe(before)
})

test("policies of other names are nobody's business", async () => {
  const upstream = await connectAws()
  const theirs = 'mayfly-deny-fedcba9876543210'
  upstream.sandbox.setInlinePolicy('deployer', theirs, policyOf('AROAAAAAAAAAAAAAAAAAA:theirs'))
  await upstream.revoke([await upstream.mint()])
  await upstream.clock.advance(2 * anHour)
  await upstream.maintain()
  expect([...upstream.sandbox.inlinePolicies('deployer').keys()]).toEqual([theirs])
})

test('sessions of two roles are denied on their own roles', async () => {
  const upstream = await connectAws()
  const detail = { ...deploys, role_arn: 'arn:aws:iam::123456789012:role/teams/web/reader' }
  const [one, other] = [await upstream.mint(), await upstream.mint(detail)]
  await upstream.revoke([one, other])
  expect(upstream.policy('deployer')).toContain(one.handle['assumed_role_id'])
  expect(upstream.policy('reader')).toContain(other.handle['assumed_role_id'])
  expect(upstream.alive()).toEqual([])
})

test('one role that cannot be written keeps no other from being', async () => {
  const upstream = await connectAws()
  const { sandbox } = upstream
  const detail = { ...deploys, role_arn: 'arn:aws:iam::123456789012:role/teams/web/reader' }
  const [one, other] = [await upstream.mint(), await upstream.mint(detail)]
  sandbox.settings.roles = sandbox.settings.roles.filter(({ name }) => name !== 'deployer')
  expect(await upstream.revoke([one, other])).toMatchObject([
    { done: false, error: { kind: 'rejected', message: expect.stringContaining('the role does not exist') } },
    { done: true },
  ])
})

test('a deny that IAM does not show yet is not called done, and is once it does', async () => {
  const upstream = await connectAws({ settings: { staleReads: 60_000 } })
  const minted = await upstream.mint()
  const outcome = await asTimePasses(upstream.clock, upstream.revoke([minted]))
  expect(outcome).toMatchObject([{ done: false, error: { kind: 'unavailable' } }])
  expect(upstream.alive()).toEqual([])
  await upstream.clock.advance(60_000)
  expect(await upstream.revoke([minted])).toEqual([{ done: true }])
})

test('a lost session is denied by its name, until it could no longer be alive', async () => {
  const upstream = await connectAws()
  const { sandbox, clock, connection } = upstream
  const intent = upstream.intentOf(deploys)
  const fault = sandbox.faults.add({ kind: 'reset-after-processing', on: mints })
  await expect(connection.mint(deploys, intent, patient())).rejects.toMatchObject({ maybeDone: true })
  fault.clear()
  expect(upstream.alive()).toHaveLength(1)
  const recovery = await connection.recover(intent, patient())
  expect(recovery).toEqual({ gone: false, liveUntil: intent.createdAt + 960_000 })
  expect(conditions(upstream.policy())).toEqual([{ StringLike: { 'aws:userid': [`*:${intent.leaseId}`] } }])
  expect(upstream.alive()).toEqual([])

  await upstream.maintain()
  expect(upstream.policy()).toContain(intent.leaseId)
  await clock.advance(960_000)
  await upstream.maintain()
  expect(upstream.policy()).toBeUndefined()
  await expect(connection.recover(intent, patient())).resolves.toEqual({ gone: true })
})

test('a recovery whose deny could not be written is not over', async () => {
  const upstream = await connectAws()
  upstream.sandbox.faults.add({ kind: 'status', status: 503, on: revokes })
  await expect(upstream.connection.recover(upstream.intentOf(deploys), patient())).rejects.toMatchObject({
    kind: 'unavailable',
  })
})

test('where nothing but expiry ends a session, nothing is written and nothing is called done', async () => {
  const upstream = await connectAws({ config: { revocation: 'expiry' } })
  const { connection } = upstream
  expect(connection.revocation(deploys)).toBe('expiry')
  expect(connection.ttl(deploys)).toEqual({ min: 900, max: 3600 })
  expect(connection.slot).toBeUndefined()
  const minted = await upstream.mint()
  expect(await upstream.revoke([minted])).toMatchObject([{ done: false }])
  expect(await connection.recover(upstream.intentOf(deploys), patient())).toMatchObject({ gone: false })
  expect(upstream.sandbox.operations).toEqual(['AssumeRole'])
  await upstream.clock.advance(900_000)
  expect(await upstream.revoke([minted])).toEqual([{ done: true }])
  await expect(upstream.probe(minted)).resolves.toMatchObject({ result: 'expired' })
})

const policyOf = (userId: string) => policyOn({ StringEquals: { 'aws:userid': userId } })

function policyOn(Condition: object): string {
  const statement = { Effect: 'Deny', Action: '*', Resource: '*', Condition }
  return JSON.stringify({ Version: '2012-10-17', Statement: [statement] }, null, 2)
}
