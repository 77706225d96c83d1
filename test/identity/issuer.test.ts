import { expect, test } from 'vitest'
import { compileIssuer, issuerConfig } from '../../src/identity/issuer.ts'
import { manualClock } from '../support/clock.ts'

const options = { fetch, clock: manualClock(), defaultAudience: 'https://mayfly.test' }
const issuer = 'https://issuer.test'

test('an issuer needs nothing but its URL', () => {
  const compiled = compileIssuer('acme', issuerConfig.parse({ issuer }), options)
  expect(compiled).toMatchObject({
    name: 'acme',
    issuer,
    audiences: ['https://mayfly.test'],
    algorithms: ['RS256', 'ES256', 'EdDSA'],
    maxAge: 3600,
    singleUse: true,
  })
})

test('an audience of its own replaces the default', () => {
  const config = issuerConfig.parse({ issuer, audience: ['a', 'b'] })
  expect(compileIssuer('acme', config, options).audiences).toEqual(['a', 'b'])
})

test('a compiled issuer cannot be changed', () => {
  const compiled = compileIssuer('acme', issuerConfig.parse({ issuer }), options)
  expect(() => Object.assign(compiled, { maxAge: 1e9 })).toThrow(TypeError)
  expect(() => Object.assign(compiled.audiences, ['other'])).toThrow(TypeError)
})

test.each([
  { algorithms: ['none'] },
  { algorithms: ['HS256'] },
  { algorithms: ['RS256', 'HS512'] },
  { algorithms: [] },
  { audience: [] },
  { audience: '' },
  { max_age: 0 },
  { max_age: 0.5 },
  { max_age: 86_401 },
  { single_use: 'no' },
  { audiences: ['a'] },
])('an issuer configured with %j is refused', (entry) => {
  expect(issuerConfig.safeParse({ issuer, ...entry }).success).toBe(false)
})
