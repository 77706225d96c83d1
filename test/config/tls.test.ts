import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { signingKey } from '../support/issuer.ts'
import { selfSigned } from '../support/certificate.ts'
import { loadWith, onlyFault } from '../support/installation.ts'

const own = selfSigned()
const other = selfSigned()

/** An issuer behind a certificate that no public authority has signed. */
async function privateIssuer() {
  const key = signingKey()
  const server = createServer(own, (request, response) => {
    const isDiscovery = request.url === '/.well-known/openid-configuration'
    response.end(JSON.stringify(isDiscovery ? { issuer: url, jwks_uri: `${url}/keys` } : { keys: [key.jwk] }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    server.closeAllConnections()
    await server[Symbol.asyncDispose]()
  })
  const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, kid: key.jwk.kid }
}

describe('the CA of an issuer', () => {
  it('is trusted for that issuer', async () => {
    const { url, kid } = await privateIssuer()
    const { configuration } = await loadWith(
      { issuers: { own: { issuer: url, ca: './ca.pem' } }, admins: [] },
      { 'ca.pem': own.cert, 'agents/refactor-bot.yaml': undefined, 'agents/readme.md': '' },
    )
    const key = await configuration!.issuers.get(url)!.keys({ alg: 'ES256', kid })
    expect(key).toMatchObject({ type: 'public' })
  })

  it.each([
    ['another', { ca: './ca.pem' }],
    ['none', {}],
  ])('is trusted only where it is named: %s', async (_which, setting) => {
    const { url, kid } = await privateIssuer()
    const { configuration } = await loadWith(
      { issuers: { own: { issuer: url, ...setting } }, admins: [] },
      { 'ca.pem': other.cert, 'agents/refactor-bot.yaml': undefined, 'agents/readme.md': '' },
    )
    const keys = configuration!.issuers.get(url)!.keys({ alg: 'ES256', kid })
    await expect(keys).rejects.toMatchObject({ code: 'unavailable' })
  })
})

describe('tls', () => {
  it.each([['./tls.key'], [{ file: './tls.key' }]])('takes a certificate and its key: %j', async (key) => {
    const { configuration, faults } = await loadWith(
      { listen: '0.0.0.0:8420', tls: { cert: './tls.pem', key } },
      { 'tls.pem': own.cert, 'tls.key': own.key },
    )
    expect(faults).toEqual([])
    expect(configuration!.tls).toEqual({ cert: own.cert, key: own.key.trimEnd() })
  })

  it('takes the certificate as a file too, written as its key is', async () => {
    const { configuration, faults } = await loadWith(
      { tls: { cert: { file: './tls.pem' }, key: { file: './tls.key' } } },
      { 'tls.pem': own.cert, 'tls.key': own.key },
    )
    expect(faults).toEqual([])
    expect(configuration!.tls?.cert).toBe(own.cert)
  })

  it("with another certificate's key is a fault, which does not show it", async () => {
    const loaded = await loadWith(
      { tls: { cert: './tls.pem', key: './tls.key' } },
      { 'tls.pem': own.cert, 'tls.key': other.key },
    )
    expect(onlyFault(loaded).path).toBe('tls')
    expect(JSON.stringify(loaded.faults)).not.toContain('PRIVATE')
  })
})
