/** What stands in front of GitHub, a proxy, a firewall or an incident, speaks for itself alone. */
import { describe, expect, test } from 'vitest'
import { asTimePasses } from '../support/clock.ts'
import { looksUp, mints, probes, revokes } from '../support/github.ts'
import { connectGithub } from '../support/github-sandbox.ts'

const strangers = [
  ['a page', undefined],
  ['nothing', ''],
  ["GitHub's JSON without the id of a request", { message: 'Bad credentials', status: '401' }],
  ["Vault's JSON", { errors: ['permission denied'] }],
] as const

describe.each(strangers)('an answer of a stranger with %s', (_with, body) => {
  test.each([401, 403, 404, 422])('and %i says nothing of a token', async (status) => {
    const upstream = connectGithub()
    const { handle } = await upstream.mint()
    await upstream.clock.advance(10_000)
    upstream.faults.add({ kind: 'stranger', status, body })
    await expect(upstream.probe(handle)).resolves.toMatchObject({ result: 'unknown' })
    await expect(upstream.revoke(handle)).resolves.toMatchObject({
      done: false,
      error: { kind: 'unavailable', maybeDone: true },
    })
  })

  test.each([301, 401, 403, 404, 422, 429])(
    'and %i to a mint leaves open whether anything was minted',
    async (status) => {
      const upstream = connectGithub()
      upstream.faults.add({ kind: 'stranger', status, body, on: mints })
      await expect(upstream.mint()).rejects.toMatchObject({ kind: 'unavailable', maybeDone: true })
    },
  )

  test('to the look for an installation is no refusal, and nothing was minted', async () => {
    const upstream = connectGithub()
    upstream.faults.add({ kind: 'stranger', status: 404, body, on: looksUp })
    await expect(upstream.mint()).rejects.toMatchObject({ kind: 'unavailable', maybeDone: false })
  })
})

test('a success of a stranger is no sign of life', async () => {
  const upstream = connectGithub()
  const { handle } = await upstream.mint()
  upstream.faults.add({ kind: 'stranger', status: 200, on: probes })
  await expect(upstream.probe(handle)).resolves.toMatchObject({ result: 'unknown' })
})

test('HTML is not believed for the id of a request', async () => {
  const upstream = connectGithub()
  const { handle } = await upstream.mint()
  await upstream.clock.advance(10_000)
  upstream.faults.add({ kind: 'status', status: 401, body: '<html>who are you?</html>' })
  await expect(upstream.probe(handle)).resolves.toMatchObject({ result: 'unknown' })
})

test('a 401 in GitHub’s own words is believed', async () => {
  const upstream = connectGithub()
  const { handle } = await upstream.mint()
  await asTimePasses(upstream.clock, upstream.revoke(handle))
  await expect(upstream.revoke(handle)).resolves.toEqual({ done: true })
  await expect(upstream.probe(handle)).resolves.toMatchObject({ result: 'dead' })
  expect(upstream.requests.filter(revokes)).toHaveLength(2)
})
