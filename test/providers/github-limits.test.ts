import { expect, test } from 'vitest'
import { mints, revokes } from '../support/github.ts'
import { connectGithub } from '../support/github-sandbox.ts'

const body = { message: 'You have exceeded a secondary rate limit.' }

test.each([
  ['429 with retry-after', 429, { 'retry-after': '30' }, undefined, 30],
  ['429 without a time', 429, {}, undefined, undefined],
  ['403 with retry-after', 403, { 'retry-after': '45' }, undefined, 45],
  ['403 that only speaks of a limit', 403, {}, { message: 'API rate limit exceeded' }, undefined],
  ['403 that speaks of a secondary limit', 403, {}, body, 60],
])('%s is a limit, not a refusal, and nothing was minted', async (_, status, headers, said, retryAfter) => {
  const upstream = connectGithub()
  upstream.faults.add({ kind: 'status', status, headers, body: said, on: mints })
  await expect(upstream.mint()).rejects.toMatchObject({ kind: 'unavailable', retryAfter, maybeDone: false })
})

test('a used-up hourly limit ends at the reset that GitHub names', async () => {
  const upstream = connectGithub()
  // GitHub names whole seconds.
  await upstream.clock.advance(1_000 - (upstream.clock.now() % 1_000))
  const reset = String(upstream.clock.now() / 1000 + 120)
  const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': reset }
  upstream.faults.add({ kind: 'status', status: 403, headers, on: mints })
  await expect(upstream.mint()).rejects.toMatchObject({ kind: 'unavailable', retryAfter: 120 })
})

test('a 403 with requests left is a refusal', async () => {
  const upstream = connectGithub()
  upstream.faults.add({ kind: 'status', status: 403, headers: { 'x-ratelimit-remaining': '17' }, on: mints })
  await expect(upstream.mint()).rejects.toMatchObject({ kind: 'rejected', retryAfter: undefined })
})

test('a limited revocation is tried again, not given up', async () => {
  const upstream = connectGithub()
  const { handle } = await upstream.mint()
  upstream.faults.add({ kind: 'status', status: 403, headers: { 'retry-after': '5' }, on: revokes, times: 1 })
  await expect(upstream.revoke(handle)).resolves.toMatchObject({
    error: { kind: 'unavailable', retryAfter: 5 },
  })
  await expect(upstream.revoke(handle)).resolves.toEqual({ done: true })
})
