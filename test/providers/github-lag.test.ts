/** GitHub has many replicas: a new token is not known to all of them at once, a revoked one not forgotten by all. */
import { describe, expect, test } from 'vitest'
import { asTimePasses } from '../support/clock.ts'
import { probes, revokes } from '../support/github.ts'
import { connectGithub } from '../support/github-sandbox.ts'

describe.each([401, 403] as const)(
  'a new token that is answered %i for three seconds',
  (replicationRefusal) => {
    const lagging = () => connectGithub({ settings: { replicationDelay: 3_000, replicationRefusal } })

    test('is neither dead nor of a suspended installation', async () => {
      const upstream = lagging()
      const { handle } = await upstream.mint()
      await expect(upstream.probe(handle)).resolves.toMatchObject({ result: 'unknown' })
      await upstream.clock.advance(3_000)
      await expect(upstream.probe(handle)).resolves.toMatchObject({ result: 'live' })
    })

    test('is revoked as soon as it is known', async () => {
      const upstream = lagging()
      const { handle } = await upstream.mint()
      await expect(asTimePasses(upstream.clock, upstream.revoke(handle))).resolves.toEqual({ done: true })
      expect(upstream.ledger.alive(upstream.clock.now())).toEqual([])
    })

    test('is not called dead where something else says that it is revoked', async () => {
      const upstream = lagging()
      const { handle } = await upstream.mint()
      upstream.faults.add({ kind: 'pretend', on: revokes })
      await upstream.revoke(handle)
      await expect(upstream.probe(handle)).resolves.toMatchObject({ result: 'unknown' })
      await upstream.clock.advance(5_000)
      await expect(upstream.probe(handle)).resolves.toMatchObject({ result: 'live' })
    })
  },
)

test('a new token that is still answered 403 after five seconds is asked about again, not given up', async () => {
  const upstream = connectGithub({ settings: { replicationDelay: 6_000, replicationRefusal: 403 } })
  const { handle } = await upstream.mint()
  await expect(asTimePasses(upstream.clock, upstream.revoke(handle))).resolves.toMatchObject({
    done: false,
    error: { kind: 'unavailable', message: 'GitHub does not know the new token everywhere yet' },
  })
})

test('a token that GitHub does not know for all of five seconds, and then knows, is not called dead', async () => {
  const upstream = connectGithub({ settings: { replicationDelay: 4_900 } })
  const { handle } = await upstream.mint()
  await expect(asTimePasses(upstream.clock, upstream.revoke(handle))).resolves.toEqual({ done: true })
  expect(upstream.ledger.alive(upstream.clock.now())).toEqual([])
})

test('the same answer to an older token is a refusal', async () => {
  const upstream = connectGithub()
  const { handle } = await upstream.mint()
  await upstream.clock.advance(60_000)
  const body = { message: 'Resource not accessible by integration' }
  upstream.faults.add({ kind: 'status', status: 403, body })
  await expect(upstream.revoke(handle)).resolves.toMatchObject({ error: { kind: 'rejected' } })
})

test('a revoked token that works on for a while is live so long, and then dead', async () => {
  const upstream = connectGithub({ settings: { revocationDelay: 2_000 } })
  const { handle } = await upstream.mint()
  await expect(upstream.revoke(handle)).resolves.toEqual({ done: true })
  await expect(upstream.probe(handle)).resolves.toMatchObject({ result: 'live' })
  await upstream.clock.advance(2_000)
  await expect(upstream.probe(handle)).resolves.toMatchObject({ result: 'dead' })
})

test('a new token that was seen to work is dead when it is refused, and nobody waits', async () => {
  const upstream = connectGithub()
  const { handle } = await upstream.mint()
  await expect(upstream.revoke(handle)).resolves.toEqual({ done: true })
  await expect(upstream.probe(handle)).resolves.toMatchObject({ result: 'dead' })
})

test('whether a token is known holds up no revocation', async () => {
  const upstream = connectGithub()
  const { handle } = await upstream.mint()
  upstream.faults.add({ kind: 'reset', on: probes })
  await expect(upstream.revoke(handle)).resolves.toEqual({ done: true })
  expect(upstream.ledger.alive(upstream.clock.now())).toEqual([])
})
