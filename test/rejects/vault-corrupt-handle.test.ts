import { expect, test } from 'vitest'
import { connectVault } from '../support/vault-sandbox.ts'

test.each([
  [{}],
  [{ accessor: 7 }],
  [{ accessor: '' }],
  [{ accessor: 'x', lease: 7 }],
  [{ accessor: 'x\r\ny: 1' }],
])('a handle that no mint gave out is never called revoked: %j', async (handle) => {
  const upstream = connectVault()
  await expect(upstream.revoke(handle)).resolves.toMatchObject({ done: false, error: { kind: 'rejected' } })
  await expect(upstream.probe(handle)).resolves.toMatchObject({ result: 'unknown' })
  expect(upstream.requests).toEqual([])
})
