/** A proxy that is itself spoken to over TLS, under the CA that is trusted for what lies behind it. */
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { outboundFetch } from '../../src/outbound/fetch.ts'
import { pooledFetch } from '../../src/outbound/pooled-fetch.ts'
import { type SandboxProxy, startProxy } from '../../src/sandbox/proxy.ts'
import { selfSigned } from '../support/certificate.ts'

const host = 'vault.corp.example'
const corporate = selfSigned(undefined, [host])
const upstream = createServer((_request, response) => response.end('well'))
let proxy: SandboxProxy
beforeAll(async () => {
  upstream.listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  const origin = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`
  proxy = await startProxy({ [host]: origin }, corporate, corporate)
})
afterAll(async () => {
  await proxy.close()
  upstream.close()
})

test.each([
  ['fetch', outboundFetch],
  ['the fetch of upstreams', pooledFetch],
])('%s reaches it with that CA, and not with another', async (_what, made) => {
  const env = { HTTPS_PROXY: proxy.url }
  const answered = await made({ env, ca: [corporate.cert] })(`https://${host}/`)
  expect(await answered.text()).toBe('well')
  await expect(made({ env, ca: [selfSigned().cert] })(`https://${host}/`)).rejects.toThrow()
})
