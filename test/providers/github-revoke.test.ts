import { expect, test } from 'vitest'
import { asTimePasses } from '../support/clock.ts'
import { revokes } from '../support/github.ts'
import { connectGithub } from '../support/github-sandbox.ts'

const anHour = 3_600_000

test('a token of a suspended installation is not called revoked: it comes back with the installation', async () => {
  const upstream = connectGithub()
  const { handle } = await upstream.mint()
  upstream.sandbox.github.suspend()
  await expect(upstream.revoke(handle)).resolves.toMatchObject({ done: false, error: { kind: 'rejected' } })
  await expect(upstream.probe(handle)).resolves.toMatchObject({ result: 'unknown' })
  upstream.sandbox.github.unsuspend()
  await expect(upstream.revoke(handle)).resolves.toEqual({ done: true })
})

test('a token that GitHub does not know yet is revoked once it does', async () => {
  const upstream = connectGithub({ settings: { replicationDelay: 2_000 } })
  const { handle } = await upstream.mint()
  await expect(asTimePasses(upstream.clock, upstream.revoke(handle))).resolves.toEqual({ done: true })
  expect(upstream.ledger.alive(upstream.clock.now())).toEqual([])
})

test('a new token that its holder gave back is revoked after GitHub has said so several times', async () => {
  const upstream = connectGithub()
  const { handle } = await upstream.mint()
  await fetch(`${upstream.config.api}/installation/token`, {
    method: 'DELETE',
    headers: { authorization: `token ${String(handle['token'])}`, 'user-agent': 'its holder' },
  })
  upstream.requests.length = 0
  await expect(asTimePasses(upstream.clock, upstream.revoke(handle))).resolves.toEqual({ done: true })
  expect(upstream.requests.filter(revokes)).toHaveLength(4)
  await expect(upstream.probe(handle)).resolves.toMatchObject({ result: 'dead' })
})

test('a revocation whose answer was lost is done when it is sent again', async () => {
  const upstream = connectGithub()
  const { handle } = await upstream.mint()
  upstream.faults.add({ kind: 'reset-after-processing', on: revokes, times: 1 })
  await expect(upstream.revoke(handle)).resolves.toMatchObject({ done: false, error: { maybeDone: true } })
  await expect(asTimePasses(upstream.clock, upstream.revoke(handle))).resolves.toEqual({ done: true })
})

test('revoking sends the token itself and asks for nothing else, but of a new one whether GitHub knows it', async () => {
  const upstream = connectGithub()
  const end = { method: 'DELETE', path: '/installation/token' }
  const { handle } = await upstream.mint()
  upstream.requests.length = 0
  await upstream.revoke(handle)
  expect(upstream.requests).toEqual([{ method: 'GET', path: '/installation/repositories' }, end])

  const { handle: older } = await upstream.mint()
  await upstream.clock.advance(5_000)
  upstream.requests.length = 0
  await upstream.revoke(older)
  expect(upstream.requests).toEqual([end])
})

test('a lost token may live an hour and the time that its mint took', async () => {
  const upstream = connectGithub()
  const now = upstream.clock.now()
  const recovery = await upstream.recover(now)
  expect(recovery).toEqual({ gone: false, liveUntil: now + anHour + 60_000 })
})
