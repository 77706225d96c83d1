/** Everything that can go wrong with a mint, and what becomes of what GitHub minted all the same. */
import { expect, test } from 'vitest'
import { manualClock } from '../support/clock.ts'
import type { Answer } from '../support/broker.ts'
import { mints } from '../support/github.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { until, untilNow } from '../support/until.ts'

const clock = manualClock()
const broker = await sharedBroker({ clock })
const { github, ledger } = broker.sandbox

const leasesOf = async (task: Answer['body']) => (await broker.read(task)).body.leases

test.each([
  ['cut off after GitHub had minted', { kind: 'reset-after-processing' }],
  ['garbage', { kind: 'garbage' }],
  ['an object without a token', { kind: 'rewrite', rewrite: () => ({}) }],
  ['no body', { kind: 'rewrite', rewrite: () => undefined }],
  [
    'a token that is no string',
    { kind: 'rewrite', rewrite: (body: unknown) => ({ ...(body as object), token: 1 }) },
  ],
  ['500', { kind: 'status', status: 500 }],
] as const)(
  'an answer that is %s leaves the outcome open: the lease says until when',
  async (_what, fault) => {
    const { body: task } = await broker.open()
    github.faults.add({ ...fault, on: mints, times: 1 })
    const answer = await broker.mint(task)
    expectRefusal(answer, 503, 'provider_unavailable')
    expect(Number(answer.headers.get('Retry-After'))).toBeGreaterThan(0)
    await untilNow(clock, async () => (await leasesOf(task))[0].live_until)
    const [lease] = await leasesOf(task)
    expect(lease).toMatchObject({
      status: 'revoking',
      fingerprint: null,
      upstream_expires_at: null,
      ended_at: null,
    })
    // Whatever GitHub minted is over by then, and it is not put off much longer.
    const liveUntil = Date.parse(lease.live_until)
    expect(liveUntil).toBeGreaterThanOrEqual(clock.now() + 3_600_000)
    expect(liveUntil).toBeLessThanOrEqual(clock.now() + 3_720_000)
  },
)

test('a lease whose outcome stayed open is expired once nothing of it can be alive', async () => {
  const { body: task } = await broker.open({ ttl: 3600 })
  github.faults.add({ kind: 'reset-after-processing', on: mints, times: 1 })
  await broker.mint(task)
  await untilNow(clock, async () => (await leasesOf(task))[0].live_until)
  const [lease] = await leasesOf(task)
  await clock.advance(Date.parse(lease.live_until) - clock.now() - 1)
  expect((await leasesOf(task))[0].status).toBe('revoking')
  await clock.advance(1)
  await untilNow(clock, async () => (await leasesOf(task))[0].status === 'expired')
  expect(await leasesOf(task)).toMatchObject([{ status: 'expired', evidence: { result: 'expired' } }])
  expect(ledger.alive(clock.now())).toEqual([])
})

test('a mint that GitHub never answers is given up after 20 s, and may have been done', async () => {
  const { body: task } = await broker.open()
  const silence = github.faults.add({ kind: 'hang', on: mints })
  const minting = broker.mint(task)
  await until(() => silence.hits === 1)
  await clock.advance(20_000)
  expectRefusal(await minting, 503, 'provider_unavailable')
  silence.clear()
  await untilNow(clock, async () => (await leasesOf(task))[0].live_until)
})

/** The part of GitHub's answer that says what it granted. */
interface Grant {
  permissions?: Record<string, string>
  repositories?: { full_name: string }[]
  repository_selection: string
}
const wider: [string, (grant: Grant) => object][] = [
  ['a permission more', ({ permissions }) => ({ permissions: { ...permissions, issues: 'write' } })],
  ['a higher level', () => ({ permissions: { contents: 'admin' } })],
  [
    'another repository',
    ({ repositories = [] }) => ({ repositories: [...repositories, { full_name: 'acme/docs' }] }),
  ],
  ['every repository', () => ({ repositories: undefined, repository_selection: 'all' })],
  ['what it does not say', () => ({ permissions: undefined })],
]

test.each(wider)(
  'an answer that grants %s is refused, and the credential is dead before the caller knows',
  async (_what, change) => {
    const { body: task } = await broker.open()
    const before = ledger.entries.length
    const rewrite = (body: unknown) => ({ ...(body as Grant), ...change(body as Grant) })
    github.faults.add({ kind: 'rewrite', rewrite, on: mints, times: 1 })
    expectRefusal(await broker.mint(task), 422, 'provider_rejected')
    expect(ledger.entries).toHaveLength(before + 1)
    expect(ledger.entries.at(-1)?.revokedAt).toBe(clock.now())
    expect(await leasesOf(task)).toMatchObject([{ status: 'revoked', evidence: { result: 'dead' } }])
  },
)

test.each([401, 403, 404, 422])(
  'a mint that GitHub refuses with %i is over: nothing was minted',
  async (status) => {
    const { body: task } = await broker.open()
    github.faults.add({
      kind: 'status',
      status,
      body: { message: 'ghs_ words of its own' },
      on: mints,
      times: 1,
    })
    const answer = await broker.mint(task)
    expectRefusal(answer, 422, 'provider_rejected')
    expect(JSON.stringify(answer.body)).not.toContain('words of its own')
    expect(await leasesOf(task)).toMatchObject([
      { status: 'failed', live_until: null, ended_at: expect.any(String) },
    ])
  },
)

test('a mint that GitHub limits is over too, and the caller is told when to come back', async () => {
  const { body: task } = await broker.open()
  github.faults.add({ kind: 'status', status: 429, headers: { 'Retry-After': '17' }, on: mints, times: 1 })
  const answer = await broker.mint(task)
  expectRefusal(answer, 503, 'provider_unavailable')
  expect(answer.headers.get('Retry-After')).toBe('17')
  expect(await leasesOf(task)).toMatchObject([{ status: 'failed' }])
})

test('a connection that is cut before GitHub saw the mint counts as one that it may have seen', async () => {
  const { body: task } = await broker.open()
  github.faults.add({ kind: 'reset', on: mints, times: 1 })
  expectRefusal(await broker.mint(task), 503, 'provider_unavailable')
  await untilNow(clock, async () => (await leasesOf(task))[0].live_until)
})

test('after all that, no credential lives that no lease accounts for', async () => {
  await broker.revoke({ all: true })
  await untilNow(clock, async () => {
    const { body } = await broker.revoke({ all: true })
    return body.leases.every((lease: { live_until: string | null }) => lease.live_until)
  })
  const { body } = await broker.revoke({ all: true })
  const ends = body.leases.map((lease: { live_until: string }) => Date.parse(lease.live_until))
  expect(ledger.alive(clock.now()).length).toBeLessThanOrEqual(ends.length)
  for (const { expiresAt } of ledger.alive(clock.now()))
    expect(expiresAt).toBeLessThanOrEqual(Math.max(...ends))
})
