import { expect, test, vi } from 'vitest'
import { looksUp } from '../support/github.ts'
import { connectGithub } from '../support/github-sandbox.ts'

const minutes = (n: number) => n * 60_000

test.each([minutes(20), minutes(-20)])('a clock %i ms off is corrected, once', async (ahead) => {
  const upstream = connectGithub({ ahead })
  await upstream.mint()
  expect(upstream.requests.filter(looksUp)).toHaveLength(2)
  upstream.requests.length = 0
  await upstream.mint()
  expect(upstream.requests).toHaveLength(1)
})

test.each([minutes(20), minutes(-20)])(
  'with a clock %i ms off, a token is still known to live its hour by that clock',
  async (ahead) => {
    const upstream = connectGithub({ ahead })
    expect((await upstream.mint()).expiresAt).toBe(upstream.context.clock.now() + minutes(60))
  },
)

test('the JWT is renewed before it ends', async () => {
  const upstream = connectGithub()
  for (const _ of [1, 2, 3]) {
    await upstream.mint()
    await upstream.clock.advance(minutes(7))
  }
  expect(upstream.ledger.entries).toHaveLength(3)
  expect(upstream.requests.filter(looksUp)).toHaveLength(2)
})

test('nothing that GitHub says is printed', async () => {
  const printed = (['warn', 'error', 'log', 'info'] as const).map((level) => vi.spyOn(console, level))
  const upstream = connectGithub({ ahead: minutes(20) })
  await upstream.mint()
  upstream.faults.add({ kind: 'status', status: 500, headers: { deprecation: 'true', sunset: 'soon' } })
  await expect(upstream.mint()).rejects.toThrow()
  for (const method of printed) expect(method).not.toHaveBeenCalled()
})
