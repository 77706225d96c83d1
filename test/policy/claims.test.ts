import { expect, test } from 'vitest'
import { allowed, compiled, decided, wants } from '../support/policy.ts'

/** Whether a permit that wants `value` among the claim's is satisfied. */
function permits(claims: Record<string, unknown>, value: string, claim = 'c'): boolean {
  const policies = compiled(
    `@id("p") permit (principal, action, resource)
     when { principal.hasTag("${claim}") && principal.getTag("${claim}").contains("${value}") };`,
  )
  const principal = { issuer: 'ci', subject: 's', claims }
  return decided(policies, wants('github.contents.read'), { principal }).outcome === 'allowed'
}

test.each<[string, unknown, string]>([
  ['a string', 'main', 'main'],
  ['a number, as its JSON text', 123, '123'],
  ['a fraction, as its JSON text', 0.5, '0.5'],
  ['a boolean, as its JSON text', true, 'true'],
  ['each element of an array', ['a', 7, false], '7'],
])('a claim is a tag: %s', (_, claim, text) => {
  expect(permits({ c: claim }, text)).toBe(true)
  expect(permits({ c: claim }, `${text}x`)).toBe(false)
})

test.each([
  ['a number that may have been rounded', 2 ** 53, '9007199254740992'],
  ['a number beyond all integers', 1e21, '1e+21'],
  ['a number that overflowed', Infinity, 'null'],
])('%s has no text, which may be that of another', (_, claim, text) => {
  expect(permits({ c: claim }, text)).toBe(false)
  expect(permits({ c: [claim] }, text)).toBe(false)
})

test.each([
  ['null', null],
  ['an object', { main: 'main' }],
  ['an empty array', []],
  ['an array of what has no text', [null, { a: 'null' }, ['null']]],
])('a claim without a text has no value: %s', (_, claim) => {
  for (const text of ['null', '', 'main', '[object Object]']) expect(permits({ c: claim }, text)).toBe(false)
})

test('null and objects are no tags at all', () => {
  const policies = compiled('@id("p") permit (principal, action, resource) when { principal.hasTag("c") };')
  const has = (claims: Record<string, unknown>) =>
    decided(policies, wants('github.contents.read'), { principal: { issuer: 'ci', subject: 's', claims } })
  expect(has({ c: [] })).toEqual(allowed)
  expect(has({ c: null })).toMatchObject({ outcome: 'denied' })
  expect(has({ c: {} })).toMatchObject({ outcome: 'denied' })
})

test('a claim named like a part of the engine’s JSON is a tag like any other', () => {
  for (const name of ['__entity', '__extn', '__proto__', 'constructor']) {
    const claims: Record<string, unknown> = Object.fromEntries([[name, 'v']])
    expect(permits(claims, 'v', name)).toBe(true)
    expect(permits({ other: 'v' }, 'v', name)).toBe(false)
  }
})

test('a claim whose name a policy computes is found', () => {
  const policies = compiled(
    `@id("p") permit (principal, action, resource)
     when { principal.hasTag(principal.subject) && principal.getTag(principal.subject).contains("yes") };`,
  )
  const principal = { issuer: 'ci', subject: 'anyone', claims: { anyone: 'yes' } }
  expect(decided(policies, wants('github.contents.read'), { principal })).toEqual(allowed)
})
