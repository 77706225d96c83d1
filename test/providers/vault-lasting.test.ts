/** Secrets that live on when Vault revokes their lease: said beforehand, or not given out. */
import { expect, test } from 'vitest'
import { vault } from '../../providers/vault.ts'
import { mints, reads } from '../support/vault.ts'
import { connectVault, secret } from '../support/vault-sandbox.ts'

const minute = 60_000
const at = (path: string) => vault.detail.parse({ type: 'vault', path })
const session = at('aws/creds/session')
const words = (text: string) => expect.stringContaining(text) as string

/** A Vault with AWS's engine, whose paths are declared so. */
function connectCloud(revocation?: 'immediate' | 'expiry') {
  const declared = { class: 'deploy', policies: ['aws-deploy'], ...(revocation && { revocation }) }
  const paths = ['aws/creds/session', 'aws/sts/federated', 'aws/creds/user'].map((path) => ({
    path,
    ...declared,
  }))
  return connectVault({ config: { paths } })
}

const rewritten = (change: object) => ({
  kind: 'rewrite' as const,
  on: reads,
  rewrite: (body: unknown) => ({ ...(body as object), ...change }),
})

test.each(['aws/creds/session', 'aws/sts/federated'])(
  'a session of AWS (%s) is refused where the configuration says that it can be taken back',
  async (path) => {
    const upstream = connectCloud()
    const minted = await upstream.mint(at(path))
    expect(minted).toMatchObject({ credential: {}, wider: words('`revocation: expiry`') })
    expect(minted.expiresAt).toBe(upstream.clock.now() + 60 * minute)
    expect(JSON.stringify(minted)).not.toMatch(/ASIA/)
  },
)

test('what was refused so is not called revoked, nor gone, while it works', async () => {
  const upstream = connectCloud()
  const { handle, expiresAt } = await upstream.mint(session)
  await expect(upstream.revoke(handle)).resolves.toMatchObject({
    done: false,
    error: { kind: 'rejected', message: words('only with its own life') },
  })
  await expect(upstream.probe(handle)).resolves.toMatchObject({ result: 'unknown' })
  expect(upstream.alive()).toMatchObject([{ scope: { path: 'aws/creds/session' } }])

  await upstream.clock.advance(expiresAt - upstream.clock.now())
  await expect(upstream.revoke(handle)).resolves.toEqual({ done: true })
  await expect(upstream.probe(handle)).resolves.toMatchObject({ result: 'expired' })
})

test('a path that has shown this is not read again until somebody may have mended it', async () => {
  const upstream = connectCloud()
  await upstream.mint(session)
  upstream.sent.length = 0
  await expect(upstream.mint(session)).rejects.toMatchObject({ kind: 'rejected', message: words('expiry') })
  expect(upstream.sent).toEqual([])
  await expect(upstream.mint(at('aws/creds/user'))).resolves.toMatchObject({ credential: { data: {} } })
  upstream.sandbox.settings.awsRoles['session']!.credentialType = 'iam_user'
  await upstream.clock.advance(10 * minute)
  expect((await upstream.mint(session)).wider).toBeUndefined()
})

test.each([
  ['another name', { data: { session_token: 'FwoG' }, renewable: true }],
  ['a lease that nobody could renew, longer than the task', { renewable: false, lease_duration: 901 }],
])('so is what shows it by %s', async (_, change) => {
  const upstream = connectVault()
  upstream.faults.add(rewritten(change))
  expect(await upstream.mint(secret)).toMatchObject({ credential: {}, wider: words('expiry') })
})

test.each([
  ['is over with the task', { renewable: false, lease_duration: 900 }],
  ['could be renewed', { renewable: true, lease_duration: 7200 }],
  ['has no session token', { data: { username: 'u', security_token: null, session_token: '' } }],
])('a lease that %s shows nothing of the kind', async (_, change) => {
  const upstream = connectVault()
  upstream.faults.add(rewritten(change))
  expect((await upstream.mint(secret)).wider).toBeUndefined()
})

test('an IAM user of the same engine is taken back', async () => {
  const upstream = connectCloud()
  const { handle } = await upstream.mint(at('aws/creds/user'))
  await expect(upstream.revoke(handle)).resolves.toEqual({ done: true })
  await expect(upstream.probe(handle)).resolves.toMatchObject({ result: 'gone' })
  expect(upstream.alive()).toEqual([])
})

test('declared so, a session is said to end by expiry alone, before it is minted and after', async () => {
  const upstream = connectCloud('expiry')
  expect(upstream.terms.revocation(session)).toBe('expiry')
  expect(upstream.terms.minTtl(session)).toBe(900)
  const { credential, handle, expiresAt, wider } = await upstream.mint(session)
  expect(wider).toBeUndefined()
  expect(credential).toMatchObject({ data: { security_token: expect.any(String) } })
  expect(expiresAt).toBe(upstream.alive().at(-1)?.expiresAt)
  await expect(upstream.revoke(handle)).resolves.toMatchObject({ done: false, error: { kind: 'rejected' } })
  await expect(upstream.probe(handle)).resolves.toMatchObject({ result: 'unknown' })
})

test('a session is asked for as long as the task lasts, and no shorter than AWS makes it', async () => {
  const upstream = connectCloud('expiry')
  const { clock } = upstream
  const long = await upstream.mint(session, { deadline: clock.now() + 30 * minute })
  expect(long.expiresAt).toBe(clock.now() + 30 * minute)
  const late = await upstream.mint(session, { deadline: clock.now() + minute })
  expect(late.expiresAt).toBe(clock.now() + 15 * minute)
})

test("the end is the lease's own, later than the task and the token that read it though it be", async () => {
  const upstream = connectVault({
    config: {
      paths: [
        { path: 'database/creds/readonly', class: 'read', policies: ['db-readonly'], revocation: 'expiry' },
      ],
    },
  })
  expect((await upstream.mint(secret)).expiresAt).toBe(upstream.clock.now() + 60 * minute)
  upstream.faults.add(rewritten({ lease_duration: 0 }))
  expect(await upstream.mint(secret)).toMatchObject({ credential: {}, wider: words('does not say when') })
})

test('a session whose answer was lost may live as long as it was asked for', async () => {
  const upstream = connectCloud('expiry')
  const createdAt = upstream.clock.now()
  const deadline = createdAt + minute
  upstream.faults.add({ kind: 'reset-after-processing', on: ({ path }) => path.startsWith('/v1/aws/') })
  await expect(upstream.mint(session, { deadline })).rejects.toMatchObject({ maybeDone: true })
  const lost = upstream.alive().find(({ scope }) => 'path' in (scope as object))
  await upstream.clock.advance(minute)
  await expect(upstream.recover(session, { createdAt, deadline })).resolves.toEqual({
    gone: false,
    liveUntil: lost!.expiresAt + minute,
  })
})

test('a path is revocable at once unless the configuration says otherwise, and only in these words', () => {
  const { config } = connectVault()
  expect(config.paths.map(({ revocation }) => revocation)).toEqual(['immediate', 'immediate'])
  expect(connectVault().terms.minTtl(secret)).toBe(1)
  for (const revocation of ['eventual', 'never', ''])
    expect(() => connectVault({ config: { paths: [{ ...config.paths[0], revocation }] } })).toThrow()
})

test('a token, whatever paths are declared, is taken back at once', async () => {
  const upstream = connectCloud('expiry')
  const token = vault.detail.parse({ type: 'vault', policies: ['ci-read'] })
  expect(upstream.terms.revocation(token)).toBe('immediate')
  const { handle } = await upstream.mint(token)
  await upstream.revoke(handle)
  await expect(upstream.probe(handle)).resolves.toMatchObject({ result: 'dead' })
  expect(upstream.requests.filter(mints)).toHaveLength(1)
})
