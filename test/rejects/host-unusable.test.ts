import { expect, test } from 'vitest'
import { raw } from '../support/raw-http.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()

// A probe may name any host, but it must be one: these make no URL.
test.each([
  '1.2.3.4.5',
  '127.0.7.0.0.1:37665',
  '999.999.999.999',
  'x:99999',
  '0x100000000',
  'a b',
  '[::1',
  '',
])('the host %j is refused, and is no failure of the broker', async (host) => {
  for (const path of ['/readyz', '/healthz', '/metrics', '/v1/tasks'])
    expect((await raw(broker.url + path, { headers: ['Host', host] })).status).toBe(400)
  expect(broker.log.join('')).not.toContain('went wrong')
})
