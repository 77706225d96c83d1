/** How much fits into a role's deny policy, and what is done when it is full. */
import { expect, test } from 'vitest'
import { conditions, connectAws, deployer, deploys } from '../support/aws-sandbox.ts'

/** Non-blank characters of every inline policy of the role ("IAM and AWS STS quotas"). */
const quota = 10_240
const many = <T>(count: number, make: (index: number) => Promise<T>) =>
  Promise.all(Array.from({ length: count }, (_, index) => make(index)))

test('300 revoked sessions of one role end in one valid policy, and its entries go with the sessions', async () => {
  const upstream = await connectAws({ as: 'role' })
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
  const before = upstream.connection.room!(deployer)
  const minted = await many(80, () => upstream.mint())
  expect(await upstream.revoke(minted)).toEqual(minted.map(() => ({ done: true })))
  expect(upstream.alive()).toEqual([])
  const all = [...upstream.sandbox.inlinePolicies('deployer').values()].join('')
  expect(all.replace(/\s/g, '').length).toBeLessThanOrEqual(quota)
  expect(upstream.connection.room!(deployer)).toBeLessThan(before / 2)
})

test('a role whose other policies leave no room at all is a refusal, not a revocation', async () => {
  const upstream = await connectAws({ settings: { inlineQuota: 100 } })
  const minted = await upstream.mint()
  expect(await upstream.revoke([minted])).toMatchObject([{ done: false, error: { kind: 'rejected' } }])
})

test('as many slots are lent as there is room for, each role its own', async () => {
  const { terms, connection } = await connectAws()
  const slot = terms.slot?.(deploys)
  expect(slot).toEqual({ key: deployer, total: connection.room!(deployer) })
  expect(slot!.total).toBeGreaterThan(150)
  const upstream = await connectAws()
  const minted = await many(slot!.total, () => upstream.mint())
  await upstream.revoke(minted)
  expect(conditions(upstream.policy()).map((each) => Object.keys(each)[0])).toEqual(['StringEquals'])
})
