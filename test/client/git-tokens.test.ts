import { expect, it } from 'vitest'
import type { Client } from '../../src/client/client.ts'
import { GitTokens } from '../../src/client/git-tokens.ts'
import { manualClock } from '../support/clock.ts'

/** Tokens that upstream ends after an hour, in a task that lives for `ttl` seconds. */
function tokensOf(ttl: number) {
  const clock = manualClock()
  const taskEnds = clock.now() + ttl * 1000
  let minted = 0
  const client = {
    showTask: () =>
      Promise.resolve({
        authorization_details: [
          { type: 'github', repositories: ['acme/web'], permissions: { contents: 'read' } },
        ],
        upstreams: [{ provider: 'github', connection: 'acme', host: 'github.com' }],
      }),
    credential: () => {
      const ends = clock.now() + 3_600_000
      const time = (at: number) => new Date(at).toISOString()
      return Promise.resolve({
        lease: { deadline: time(Math.min(ends, taskEnds)), upstream_expires_at: time(ends) },
        credential: { token: `ghs_${(minted += 1)}` },
      })
    },
  } as unknown as Client
  const tokens = new GitTokens({ client, task: { id: 'task_1', token: 'mft_1' }, clock })
  return { clock, get: async () => (await tokens.get('https://github.com', 'acme/web')).token }
}

it('a token that upstream is about to end is replaced, once', async () => {
  const { clock, get } = tokensOf(7200)
  expect(await get()).toBe('ghs_1')
  await clock.advance(3_500_000)
  expect(await get()).toBe('ghs_1')
  await clock.advance(60_000)
  expect(await Promise.all([get(), get(), get()])).toEqual(['ghs_2', 'ghs_2', 'ghs_2'])
})

it('one that ends with the task is kept to the end: there is no other to be had', async () => {
  const { clock, get } = tokensOf(600)
  await get()
  await clock.advance(599_000)
  expect(await get()).toBe('ghs_1')
})
