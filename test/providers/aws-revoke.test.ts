import { DeleteRolePolicyCommand, IAMClient } from '@aws-sdk/client-iam'
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts'
import { expect, test } from 'vitest'
import { asTimePasses } from '../support/clock.ts'
import { connectAws, deployer, deploys, denyPolicy, patient } from '../support/aws-sandbox.ts'

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

test('where nothing but expiry ends a session, nothing is written and nothing is called done', async () => {
  const upstream = await connectAws({ config: { revocation: 'expiry' } })
  const { connection, terms } = upstream
  expect(terms.revocation(deploys)).toBe('expiry')
  expect(terms.minTtl(deploys)).toBe(900)
  expect(terms.slot).toBeUndefined()
  expect(connection.room).toBeUndefined()
  const minted = await upstream.mint()
  expect(await upstream.revoke([minted])).toMatchObject([{ done: false }])
  expect(await connection.recover(upstream.intentOf(deploys), patient())).toMatchObject({ gone: false })
  expect(upstream.sandbox.operations).toEqual(['AssumeRole'])
  await upstream.clock.advance(900_000)
  expect(await upstream.revoke([minted])).toEqual([{ done: true }])
  await expect(upstream.probe(minted)).resolves.toMatchObject({ result: 'expired' })
})
