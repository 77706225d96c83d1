import { expect, test } from 'vitest'
import { connect } from '../../providers/aws/connect.ts'
import type { Minted } from '../../src/provider/upstream.ts'
import { connectAws, deployer, deploys, mints, patient, reader, readsBucket } from '../support/aws-sandbox.ts'

const upstream = await connectAws()
const { sandbox, clock, connection, intentOf, mint, use } = upstream

/** What the local AWS knows of a session. */
const known = (minted: Minted) =>
  upstream.ledger.find(String(minted.credential['session_token']))?.scope as Record<string, unknown>

test('a session is named after its lease and its source is the task', async () => {
  const intent = intentOf(deploys)
  const minted = await connection.mint(deploys, intent, patient())
  expect(known(minted)).toMatchObject({ role: deployer, session: intent.leaseId, source: intent.taskId })
  expect(minted.handle['assumed_role_id']).toMatch(new RegExp(`^AROA[A-Z2-7]{17}:${intent.leaseId}$`))
})

test('a session carries its agent, owner and task as tags, in the characters that AWS takes', async () => {
  const strange = { agent: 'b<o>t\u{1f41d}é', owner: `${'x'.repeat(255)}\u{1f41d}` }
  const minted = await connection.mint(deploys, { ...intentOf(deploys), ...strange }, patient())
  expect(known(minted)['tags']).toEqual({
    'mayfly:agent': 'b_o_t_é',
    'mayfly:owner': `${'x'.repeat(255)}_`,
    'mayfly:task': `task_${'0'.repeat(32)}`,
  })
})

test.each([
  [1, 900],
  [900, 900],
  [1200, 1200],
  [3600, 3600],
  [86_400, 3600],
])(
  'a task of %i seconds gets a session of %i: no shorter one exists, nor a longer one of this role',
  async (seconds, duration) => {
    const minted = await mint(deploys, seconds)
    expect(known(minted)['duration']).toBe(duration)
    expect(minted.expiresAt).toBe(clock.now() + duration * 1000)
  },
)

test('a role is asked for as it is configured: for longer, and with its external id', async () => {
  const detail = { ...deploys, role_arn: reader }
  expect(known(await mint(detail, 7200))['duration']).toBe(7200)
  const without = await connectAws({ config: { roles: [{ arn: reader, class: 'read' }] } })
  await expect(without.mint(detail)).rejects.toMatchObject({
    kind: 'rejected',
    message: expect.stringContaining('trust policy'),
  })
})

test('a narrowed session can do that, and nothing else', async () => {
  const narrow = await mint(readsBucket)
  const wide = await mint()
  expect(await use(wide, 'bucket/key', 'text')).toBe(200)
  expect(await use(narrow)).toBe(200)
  expect(await use(narrow, 'bucket/key', 'other')).toBe(403)
  expect(await use(narrow, 'elsewhere/key')).toBe(403)
})

test('narrowing gives nothing that the role may not', async () => {
  const detail = { ...readsBucket, role_arn: reader, actions: ['s3:PutObject'] }
  expect(await use(await mint(detail), 'bucket/key', 'text')).toBe(403)
})

test('the credential tells the region, and its handle cannot be used for anything', async () => {
  const { credential, handle, accessToken, fingerprint } = await mint()
  expect(credential).toMatchObject({
    region: 'eu-west-1',
    access_key_id: fingerprint,
    session_token: accessToken,
  })
  expect(Object.keys(handle)).toEqual(['role', 'assumed_role_id', 'issued_at', 'expires_at'])
  for (const secret of [credential['secret_access_key'], accessToken])
    expect(JSON.stringify(handle)).not.toContain(secret)
})

test('a mint is one request, whatever comes of it: one sent again could leave a session that nobody knows of', async () => {
  const fault = sandbox.faults.add({ kind: 'status', status: 500, body: '<html>', on: mints })
  await expect(mint()).rejects.toMatchObject({ kind: 'unavailable', maybeDone: true })
  expect(fault.hits).toBe(1)
  fault.clear()
})

test('being throttled is no refusal, and nothing was done', async () => {
  const body =
    '<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>'
  const fault = sandbox.faults.add({ kind: 'status', status: 400, body, on: mints })
  await expect(mint()).rejects.toMatchObject({ kind: 'unavailable', maybeDone: false })
  fault.clear()
})

test.each([
  ['setSourceIdentity', 'trust policy'],
  ['tagSession', 'trust policy'],
] as const)(
  'a role that does not grant %s is refused, in words that say what to look at',
  async (grant, words) => {
    const { trust } = sandbox.settings.roles[0]!
    trust[grant] = false
    await expect(mint()).rejects.toMatchObject({ kind: 'rejected', message: expect.stringContaining(words) })
    trust[grant] = true
  },
)

test("a clock that differs from AWS's does not make a lease end before its session", async () => {
  const behind = 120_000
  const late = await connectAws()
  const clock = { ...late.clock, now: () => late.clock.now() - behind }
  const other = connect(late.config, { ...late.context, clock })
  const now = clock.now()
  const intent = { ...late.intentOf(deploys), createdAt: now, deadline: now + 900_000 }
  // The first answer tells the time; a signature may be five minutes off.
  await other.mint(deploys, intent, patient())
  const minted = await other.mint(deploys, { ...intent, leaseId: 'lease_second' }, patient())
  // AWS tells the time in whole seconds.
  expect(Math.abs(minted.expiresAt - (now + 900_000))).toBeLessThanOrEqual(1_000)
  expect(minted.wider).toBeUndefined()
})
