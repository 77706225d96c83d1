import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { looksUp, mints, revokes } from '../support/github.ts'
import { connectGithub } from '../support/github-sandbox.ts'

let stolen: string[] = []
const elsewhere = createServer((request, response) => {
  stolen.push(request.headers.authorization ?? 'no credential')
  response.end('{}')
})
beforeAll(async () => {
  await once(elsewhere.listen(0, '127.0.0.1'), 'listening')
})
beforeEach(() => {
  stolen = []
})
afterAll(() => void elsewhere.close())

const redirect = (status: number) => {
  const location = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/`
  return { kind: 'status', status, headers: { location } } as const
}

test.each([301, 302, 307, 308])('a redirect (%i) is never followed with a credential', async (status) => {
  const upstream = connectGithub()
  const { handle } = await upstream.mint()
  await upstream.clock.advance(600_000)
  upstream.faults.add({ ...redirect(status), on: looksUp, times: 1 })
  await expect(upstream.mint()).rejects.toMatchObject({ kind: 'rejected' })
  upstream.faults.add({ ...redirect(status), on: mints, times: 1 })
  await expect(upstream.mint()).rejects.toMatchObject({ kind: 'rejected' })
  upstream.faults.add({ ...redirect(status), on: revokes, times: 1 })
  await expect(upstream.revoke(handle)).resolves.toMatchObject({ done: false })
  expect(stolen).toEqual([])
})
