import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { connect } from '../../providers/aws/connect.ts'
import { pooledFetch } from '../../src/outbound/pooled-fetch.ts'
import { selfSigned } from '../support/certificate.ts'
import { connectAws, deploys, patient } from '../support/aws-sandbox.ts'

const { cert, key } = selfSigned()
let arrived = 0
const server = createServer({ cert, key }, (_, response) => {
  arrived += 1
  response.writeHead(503).end()
}).listen(0, '127.0.0.1')
await once(server, 'listening')
afterAll(() => server.close().closeAllConnections())
beforeEach(() => (arrived = 0))

const sts = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
const upstream = await connectAws()
const mintWith = (ca: string | undefined) => {
  const context = { ...upstream.context, fetch: pooledFetch({ env: {}, ca: ca === undefined ? ca : [ca] }) }
  const connection = connect({ ...upstream.config, endpoints: { sts } }, context)
  return connection.mint(deploys, upstream.intentOf(deploys), patient())
}

test('an endpoint under the CA of the configuration is trusted', async () => {
  await expect(mintWith(cert)).rejects.toMatchObject({ message: 'AWS answered 503' })
  expect(arrived).toBe(1)
})

test('one under any other is not spoken to', async () => {
  await expect(mintWith(undefined)).rejects.toMatchObject({
    kind: 'unavailable',
    message:
      'AWS cannot be reached: its certificate comes from a CA that is not trusted here (DEPTH_ZERO_SELF_SIGNED_CERT)',
    maybeDone: false,
  })
  await expect(mintWith(selfSigned().cert)).rejects.toMatchObject({ kind: 'unavailable' })
  expect(arrived).toBe(0)
})
