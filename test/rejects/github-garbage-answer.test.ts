import { expect, test } from 'vitest'
import { mints } from '../support/github.ts'
import { connectGithub } from '../support/github-sandbox.ts'

test.each([
  ['no token', { token: undefined }],
  ['an empty token', { token: '' }],
  ['a token that is not text', { token: 7 }],
  ['a token with a line break', { token: 'ghs_x\r\nx-injected: 1' }],
  ['a token with a space', { token: 'ghs_x y' }],
  ['a token of more than 8 KiB', { token: `ghs_${'x'.repeat(8192)}` }],
])('an answer with %s is not a credential, though one may exist', async (_, change) => {
  const upstream = connectGithub()
  upstream.faults.add({ kind: 'rewrite', rewrite: (body) => ({ ...(body as object), ...change }), on: mints })
  await expect(upstream.mint()).rejects.toMatchObject({ kind: 'unavailable', maybeDone: true })
})

test.each([200, 202, 204])(
  'an answer %i to a mint is not a credential, though one may exist',
  async (status) => {
    const upstream = connectGithub()
    upstream.faults.add({ kind: 'status', status, on: mints })
    await expect(upstream.mint()).rejects.toMatchObject({ kind: 'unavailable', maybeDone: true })
  },
)
