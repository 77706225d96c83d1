import { afterAll, expect, test } from 'vitest'
import { connect } from '../../providers/aws/connect.ts'
import { ProviderError } from '../../src/provider/failure.ts'
import { NotRunning } from '../../src/provider/services.ts'
import { defaultSettings, type AwsSettings } from '../../src/sandbox/aws/settings.ts'
import { startIssuer } from '../../src/sandbox/issuer.ts'
import { asTimePasses, manualClock } from '../support/clock.ts'
import { connectAws, deploys, patient } from '../support/aws-sandbox.ts'

const audience = 'sts.amazonaws.com'
const own = 'arn:aws:iam::123456789012:role/mayfly'

// One for all: its RSA key takes longer to make than the rest.
const time = manualClock()
const issuer = await startIssuer(time)
afterAll(() => issuer.close())

/** A broker that is nobody to AWS but for the tokens that it signs. */
async function connectWithToken(
  signedFor: Record<string, unknown> = {},
  settings: Partial<AwsSettings> = {},
) {
  const brokersRole = {
    name: 'mayfly',
    path: '/',
    maxSessionDuration: 3600,
    permissions: [{ Effect: 'Allow' as const, Action: '*', Resource: '*' }],
    trust: {
      account: false,
      setSourceIdentity: false,
      tagSession: false,
      webIdentity: { issuer: issuer.url, audience, subject: 'mayfly' },
    },
  }
  const signed: string[] = []
  const upstream = await connectAws({
    settings: { roles: [...defaultSettings().roles, brokersRole], userPermissions: [], ...settings },
    config: { web_identity: { role_arn: own } },
    context: {
      sign(to) {
        signed.push(to)
        const iat = Math.floor(upstream.clock.now() / 1000)
        return issuer.token({ sub: 'mayfly', aud: to, iat, exp: iat + 300, ...signedFor })
      },
    },
  })
  return { ...upstream, signed }
}

test('the broker holds no key: it takes on its role with a token of its own', async () => {
  const upstream = await connectWithToken()
  const minted = await upstream.mint()
  expect(await upstream.revoke([minted])).toEqual([{ done: true }])
  expect(upstream.signed).toEqual([audience])
  expect(upstream.calls('AssumeRoleWithWebIdentity')).toBe(1)
  // The broker's own session is not one of a lease.
  expect(upstream.alive().map(({ scope }) => (scope as { session: string }).session)).toEqual([
    'mayfly-0123456789abcdef',
  ])
})

test('one session serves all, also those who ask at once, until shortly before its end', async () => {
  const upstream = await connectWithToken()
  await Promise.all([upstream.mint(), upstream.mint(), upstream.mint()])
  await upstream.clock.advance(3_299_000)
  await upstream.mint()
  expect(upstream.calls('AssumeRoleWithWebIdentity')).toBe(1)
  await upstream.clock.advance(1_000)
  await Promise.all([upstream.mint(), upstream.mint()])
  expect(upstream.calls('AssumeRoleWithWebIdentity')).toBe(2)
})

test('a session that cannot be renewed yet is used while it lasts', async () => {
  const upstream = await connectWithToken()
  await upstream.mint()
  await upstream.clock.advance(3_400_000)
  issuer.faults.add({ kind: 'status', status: 503 })
  await upstream.mint()
  await upstream.clock.advance(200_000)
  await expect(upstream.mint()).rejects.toMatchObject({ kind: 'unavailable', maybeDone: false })
  issuer.faults.clear()
  await upstream.mint()
})

test('a role assumed from a role lives for an hour at most, whatever it would allow', async () => {
  const upstream = await connectWithToken()
  const detail = { ...deploys, role_arn: 'arn:aws:iam::123456789012:role/teams/web/reader' }
  const minted = await upstream.mint(detail, 7200)
  expect(minted.expiresAt).toBe(upstream.clock.now() + 3_600_000)
})

test.each([
  // What AWS answers as well where it cannot read the keys.
  ['another audience', { aud: 'somebody-else' }, true],
  ['another subject', { sub: 'somebody-else' }, true],
  ['no life left', { exp: 0 }, false],
])('a token with %s gets the broker nothing, and nothing is minted', async (_, claims, ofOwnToken) => {
  const upstream = await connectWithToken(claims)
  const error: unknown = await upstream.mint().catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(ProviderError)
  expect(error).toMatchObject({ maybeDone: false, ofOwnToken })
  expect(upstream.calls('AssumeRole')).toBe(0)
})

test("AWS that cannot read the broker's keys is asked again later", async () => {
  const upstream = await connectWithToken()
  issuer.faults.add({ kind: 'status', status: 503 })
  await expect(upstream.mint()).rejects.toMatchObject({
    kind: 'unavailable',
    message: expect.stringContaining('published keys'),
    ofOwnToken: true,
  })
  issuer.faults.clear()
  await upstream.mint()
})

test('a broker that does not run yet has no key to sign with', async () => {
  const sign = () => Promise.reject(new NotRunning())
  const upstream = await connectAws({ config: { web_identity: { role_arn: own } }, context: { sign } })
  await expect(upstream.mint()).rejects.toMatchObject({ kind: 'unavailable', ofOwnToken: true })
})

test('a broker that can sign nothing is refused in its own words', async () => {
  const upstream = await connectAws({ config: { web_identity: { role_arn: own } } })
  await expect(upstream.mint()).rejects.toMatchObject({
    kind: 'unavailable',
    message: expect.stringContaining('could not sign'),
    ofOwnToken: false,
    maybeDone: false,
  })
})

test('an AWS that has not heard of its new session is asked again within seconds, whatever it is asked', async () => {
  const upstream = await connectWithToken({}, { unheardFor: 3_000 })
  const { clock, connection } = upstream
  const [minted] = await asTimePasses(clock, Promise.all([upstream.mint(), upstream.maintain()]))
  expect(clock.now() - Date.parse('2026-11-02T09:00:00Z')).toBeLessThan(5_000)
  // The next one of its own is as unknown at first.
  await clock.advance(3_400_000)
  expect(await asTimePasses(clock, upstream.revoke([minted]))).toEqual([{ done: true }])
  await clock.advance(3_400_000)
  await asTimePasses(clock, connection.recover(upstream.intentOf(deploys), patient()))
  await clock.advance(3_400_000)
  const findings = await asTimePasses(
    clock,
    connection.diagnose!({ mightPermit: () => undefined, ...patient() }),
  )
  expect(findings.map(({ status }) => status)).toEqual(['ok', 'ok', 'ok'])
})

test('one that goes on not knowing it is believed after some seconds', async () => {
  const upstream = await connectWithToken({}, { unheardFor: 60_000 })
  await expect(asTimePasses(upstream.clock, upstream.mint())).rejects.toMatchObject({
    kind: 'rejected',
    message: expect.stringContaining("it does not know the broker's own credentials"),
  })
})

test('a broker without any credentials says so, and has sent nothing', async () => {
  const upstream = await connectAws()
  const saved = { ...process.env }
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name]
  Object.assign(process.env, {
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
  })
  try {
    const lost = connect(upstream.config, upstream.context)
    await expect(lost.mint(deploys, upstream.intentOf(deploys), patient())).rejects.toMatchObject({
      kind: 'unavailable',
      message: expect.stringContaining('no AWS credentials'),
      maybeDone: false,
    })
    expect(upstream.sandbox.requests).toEqual([])
  } finally {
    for (const name of Object.keys(process.env)) if (!(name in saved)) delete process.env[name]
    Object.assign(process.env, saved)
  }
})
