/** Numbers in claims: what JavaScript would round stands as the text that the issuer wrote. */
import { expect, test } from 'vitest'
import { decode } from '../../src/identity/decode.ts'
import { principal, ruleMatches } from '../support/principal.ts'

function claimsOf(payload: string): Record<string, unknown> {
  const part = (text: string) => Buffer.from(text).toString('base64url')
  return decode(`${part('{"alg":"RS256"}')}.${part(payload)}.`).claims
}

test.each([
  ['9007199254740993', '9007199254740993'],
  ['9007199254740992', '9007199254740992'],
  ['-9007199254740993', '-9007199254740993'],
  ['12345678901234567890', '12345678901234567890'],
  ['0.10000000000000001', '0.10000000000000001'],
  ['1.00000000000000000001', '1.00000000000000000001'],
  ['9007199254740992.7', '9007199254740992.7'],
  ['1e400', '1e400'],
  ['1e-400', '1e-400'],
  ['9007199254740991', 9007199254740991],
  ['123', 123],
  ['0', 0],
  ['1.50', 1.5],
  ['1e2', 100],
  ['0.1', 0.1],
])('%s in a token is %j', (written, read) => {
  const claims = claimsOf(`{"c":${written},"list":[${written}],"deep":{"c":${written}}}`)
  expect(claims).toEqual({ c: read, list: [read], deep: { c: read } })
})

test('an id beyond 2^53 matches the rule of that id, and not the one that it would be rounded to', () => {
  const who = principal('x', claimsOf('{"id":9007199254740993}'))
  expect(ruleMatches({ claims: { id: '9007199254740993' } }, who)).toBe(true)
  expect(ruleMatches({ claims: { id: '9007199254740992' } }, who)).toBe(false)
})
