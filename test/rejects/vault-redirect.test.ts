import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { connectVault, secret } from '../support/vault-sandbox.ts'
import { mints, reads, revokes } from '../support/vault.ts'

let stolen: unknown[] = []
const elsewhere = createServer((request, response) => {
  stolen.push(request.headers['x-vault-token'] ?? 'no token')
  response.end('{}')
})
beforeAll(async () => {
  await once(elsewhere.listen(0, '127.0.0.1'), 'listening')
})
beforeEach(() => {
  stolen = []
})
afterAll(() => void elsewhere.close())

test.each([301, 302, 307, 308])('a redirect (%i) is never followed with a token', async (status) => {
  const upstream = connectVault()
  const { handle } = await upstream.mint()
  const location = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/`
  for (const on of [mints, reads]) {
    upstream.faults.add({ kind: 'status', status, headers: { location }, on, times: 1 })
    await expect(upstream.mint(secret)).rejects.toMatchObject({
      message: expect.stringContaining('redirect'),
    })
  }
  upstream.faults.add({ kind: 'status', status, headers: { location }, on: revokes, times: 1 })
  await expect(upstream.revoke(handle)).resolves.toMatchObject({ done: false })
  expect(stolen).toEqual([])
})
