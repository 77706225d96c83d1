import { expect, test } from 'vitest'
import { compileIssuer, issuerConfig } from '../../src/identity/issuer.ts'
import { verify } from '../../src/identity/verify.ts'
import { manualClock } from '../support/clock.ts'
import { startIssuer, testAudience } from '../support/issuer.ts'

test('a configured jwks_uri may be on another origin, and replaces discovery', async () => {
  const clock = manualClock()
  await using issuer = await startIssuer(clock)
  await using keys = await startIssuer(clock)
  keys.published.push(issuer.key.jwk)
  const config = issuerConfig.parse({ issuer: issuer.url, jwks_uri: `${keys.url}/keys` })
  const compiled = compileIssuer('acme', config, { fetch, clock, defaultAudience: testAudience })
  await verify(issuer.token(), new Map([[issuer.url, compiled]]), { clock })
  expect(keys.requests).toEqual(['/keys'])
  expect(issuer.requests).toEqual([])
})
