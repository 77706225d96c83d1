/** Console sessions: what a session can become where the broker is no role itself. */
import { expect, test } from 'vitest'
import { selfKnowledge } from '../../providers/aws/self.ts'
import type { Minted } from '../../src/provider/upstream.ts'
import type { AwsCredential } from '../../src/sandbox/aws/sign.ts'
import { connectAws, deploys, patient } from '../support/aws-sandbox.ts'

const hour = 3_600_000
const credentialOf = (minted: Minted) => minted.credential as unknown as AwsCredential

test('a session that a user made stands for 12 hours, however short its credentials live', async () => {
  const upstream = await connectAws()
  const minted = await upstream.mint()
  expect(minted.expiresAt).toBe(upstream.clock.now() + 900_000)
  expect(minted.standsUntil).toBe(upstream.clock.now() + 12 * hour)
})

test('its entry stays so long, also after a restart, and no console session gets past it', async () => {
  const upstream = await connectAws()
  const { sandbox, clock } = upstream
  const minted = await upstream.mint()
  const console = await sandbox.signIn(credentialOf(minted), 43_200)
  expect(await sandbox.use(console, 'bucket/key', 'text')).toBe(200)
  await upstream.revoke([minted])
  expect(await sandbox.use(console, 'bucket/key')).toBe(403)
  for (let at = 1; at < 12; at += 1) {
    await clock.advance(hour)
    await upstream.maintain(at % 2 === 0 ? upstream.connection : upstream.restarted())
    expect(upstream.policy()).toContain(minted.handle['assumed_role_id'])
    expect(await sandbox.use(console, 'bucket/key')).toBe(403)
  }
  await clock.advance(hour)
  await upstream.maintain()
  expect(upstream.policy()).toBeUndefined()
})

test('it is denied also when its credentials have expired by themselves', async () => {
  const upstream = await connectAws()
  const minted = await upstream.mint()
  await upstream.clock.advance(hour)
  expect(await upstream.revoke([minted])).toEqual([{ done: true }])
  expect(upstream.policy()).toContain(minted.handle['assumed_role_id'])
  await expect(upstream.probe(minted)).resolves.toMatchObject({ result: 'denied' })
  await upstream.clock.advance(11 * hour)
  await expect(upstream.probe(minted)).resolves.toMatchObject({ result: 'expired' })
})

test('entries of somebody else stay so long too', async () => {
  const upstream = await connectAws()
  const first = await upstream.mint()
  await upstream.revoke([first])
  upstream.standing.length = 0
  const restored = upstream.restarted()
  await upstream.maintain(restored)
  await upstream.clock.advance(12 * hour - 1)
  await upstream.maintain(restored)
  expect(upstream.policy()).toContain(first.handle['assumed_role_id'])
  await upstream.clock.advance(1)
  await upstream.maintain(restored)
  expect(upstream.policy()).toBeUndefined()
})

test('a session that a role made ends in the console with itself, and is forgotten then', async () => {
  const upstream = await connectAws({ as: 'role' })
  const minted = await upstream.mint()
  expect(minted.standsUntil).toBe(minted.expiresAt)
  await expect(upstream.sandbox.signIn(credentialOf(minted), 43_200)).rejects.toThrow('Invalid duration')
  const console = await upstream.sandbox.signIn(credentialOf(minted))
  await upstream.clock.advance(900_000)
  expect(await upstream.sandbox.use(console, 'bucket/key')).toBe(403)
})

test('where nothing but expiry ends a session, its own end is that of its console session', async () => {
  const upstream = await connectAws({ config: { revocation: 'expiry' } })
  const minted = await upstream.mint()
  expect(minted.standsUntil).toBeUndefined()
  const console = await upstream.sandbox.signIn(credentialOf(minted), 43_200)
  expect(await upstream.sandbox.use(console, 'bucket/key', 'text')).toBe(200)
  await upstream.clock.advance(901_000)
  expect(await upstream.sandbox.use(console, 'bucket/key')).toBe(403)
})

test.each<[string, { temporary: boolean; arn?: string; role?: boolean }, boolean]>([
  ["a user's keys", { temporary: false }, false],
  ["a user's temporary keys", { temporary: true, arn: 'arn:aws:iam::123456789012:user/mayfly' }, false],
  [
    'a session of a role',
    { temporary: true, arn: 'arn:aws:sts::123456789012:assumed-role/mayfly/i-1' },
    true,
  ],
  ['a federated user', { temporary: true, arn: 'arn:aws:sts::123456789012:federated-user/mayfly' }, false],
  ['temporary keys of which AWS tells nothing', { temporary: true }, false],
  ['a role taken on by a token of its own', { temporary: true, role: true }, true],
])('a broker with %s is told apart', async (_, { temporary, arn, role = false }, chains) => {
  const own = () => Promise.resolve({ accessKeyId: 'ASIA', temporary })
  const self = selfKnowledge(own, () => Promise.resolve(arn), role)
  expect(await self(patient().signal)).toEqual({ temporary, chains })
})

test('who the broker is, is asked once for each key', async () => {
  const upstream = await connectAws({ as: 'role' })
  await upstream.mint(deploys)
  await upstream.mint(deploys)
  expect(upstream.calls('GetCallerIdentity')).toBe(1)
})
