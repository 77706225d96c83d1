import fc from 'fast-check'
import { expect, test } from 'vitest'
import { endpointFault, isLoopback } from '../../src/base/endpoint.ts'

test.each([
  'https://token.actions.githubusercontent.com',
  'https://gitlab.com',
  'https://acme.eu.auth0.com/',
  'https://keycloak.acme.dev:8443/realms/my%20realm',
  'https://login.microsoftonline.com/9122040d-6c67-4c5b-b112-36a304b66dad/v2.0',
  'https://oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B716D3041E',
  'https://xn--mnchen-3ya.test',
  'https://192.0.2.7:8200',
  'https://[2001:db8::7]:8200/v1',
  'http://localhost:8420',
  'http://127.0.0.1:8420',
  'http://127.9.9.9',
  'http://[::1]:8420/a',
])('%s is accepted', (raw) => {
  expect(endpointFault(raw)).toBeUndefined()
})

const characters = 'htps:/.@#?%\\[]\t 012fxaZ-_~'.split('')

test('what is accepted is what new URL reads: nothing in it is normalised away', () => {
  const character = fc.constantFrom(...characters, '．', '%2e', '%2F', '127.0.0.1', '//')
  const raw = fc.array(character, { maxLength: 12 }).map((parts) => `https://${parts.join('')}`)
  fc.assert(
    fc.property(raw, (url) => {
      if (endpointFault(url) !== undefined) return
      const { href, username, search, hash } = new URL(url)
      expect([url, `${url}/`]).toContain(href)
      expect([username, search, hash]).toEqual(['', '', ''])
    }),
    { numRuns: 2_000 },
  )
})

test.each([
  ['http://localhost', true],
  ['http://127.0.0.1:1', true],
  ['http://127.255.0.1', true],
  ['http://[::1]', true],
  ['http://localhost.test', false],
  ['http://127.0.0.1.test', false],
  ['http://10.0.0.1', false],
  ['http://[::2]', false],
])('%s is loopback: %s', (url, loopback) => {
  expect(isLoopback(url)).toBe(loopback)
  expect(isLoopback(new URL(url))).toBe(loopback)
})
