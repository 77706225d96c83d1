import { expect, test } from 'vitest'
import { pooledFetch } from '../../src/outbound/pooled-fetch.ts'
import { startProxy } from '../../src/sandbox/proxy.ts'
import { selfSigned } from '../support/certificate.ts'
import type { Trial } from './provider-trial.ts'

const host = 'upstream.corp.example'
const corporate = selfSigned(undefined, [host])

export function proxyContract<Config, Detail>(trial: Trial<Config, Detail>): void {
  const { mint, failedMint, patient, revoke, entryOf, propagated, revocable } = trial

  test('a proxy that takes CONNECT alone, under a CA of its own, is the whole way to upstream', async () => {
    const { provider, origin, at, context } = trial.subject
    const proxy = await startProxy({ [host]: origin }, corporate)
    const through = (ca: string) => {
      const fetch = pooledFetch({ env: { HTTPS_PROXY: proxy.url }, ca: [ca] })
      return provider.connect(at(`https://${host}`), { ...context, fetch })
    }
    try {
      const connection = await through(corporate.cert)
      const minted = await mint(patient(), connection)
      if (revocable()) {
        expect(await connection.probe(minted.handle, patient())).toMatchObject({ result: 'live' })
        const outcomes = await revoke([minted.handle], patient(), connection)
        await propagated()
        expect(outcomes).toEqual([{ done: true }])
        expect(entryOf(minted).revokedAt).toBeDefined()
      }
      expect(proxy.asked.length).toBeGreaterThan(0)

      const refused = { kind: 'unavailable', maybeDone: false }
      await expect(failedMint(patient(), await through(selfSigned().cert))).resolves.toMatchObject({
        ...refused,
        message: expect.stringContaining('a CA that is not trusted here'),
        remedy: expect.stringContaining('`ca:`'),
      })
      proxy.settings.refusal = 403
      await expect(failedMint(patient(), await through(corporate.cert))).resolves.toMatchObject({
        ...refused,
        message: expect.stringContaining('refused with 403'),
      })
    } finally {
      await proxy.close()
    }
  })
}
