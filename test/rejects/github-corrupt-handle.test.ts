import { expect, test } from 'vitest'
import { connectGithub } from '../support/github-sandbox.ts'

test.each([[{}], [{ token: 7 }], [{ token: '' }], [{ token: 'x\r\ny: 1' }]])(
  'a handle that no mint gave out is never called revoked: %j',
  async (handle) => {
    const upstream = connectGithub()
    await expect(upstream.revoke(handle)).resolves.toMatchObject({ done: false, error: { kind: 'rejected' } })
    await expect(upstream.probe(handle)).resolves.toMatchObject({ result: 'unknown' })
    expect(upstream.requests).toEqual([])
  },
)
