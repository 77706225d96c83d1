import { expect, test } from 'vitest'
import { allowed, compiled, decided, faultsIn, wants } from '../support/policy.ts'

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

/** Whether a permit is satisfied that wants a claim to be like a pattern. */
function like(claims: Record<string, unknown>, pattern: string, claim = 'ref'): boolean {
  const policies = compiled(
    `@id("p") permit (principal, action, resource)
     when { principal.claims.hasTag("${claim}") && principal.claims.getTag("${claim}") like "${pattern}" };`,
  )
  const principal = { issuer: 'ci', subject: 's', claims }
  return decided(policies, wants('github.contents.read'), { principal }).outcome === 'allowed'
}

test.each<[string, Record<string, unknown>, string, string?]>([
  ['a branch of any depth', { ref: 'refs/heads/hotfix/3.1/a/b/c' }, 'refs/heads/hotfix/*'],
  ['a number, as its JSON text', { run: 123 }, '12*', 'run'],
  [
    'what stands inside a claim',
    { 'kubernetes.io': { namespace: 'ci-7' } },
    'ci-*',
    '/kubernetes.io/namespace',
  ],
])('a claim of one value is a string too, which may be like a pattern: %s', (_, claims, pattern, claim) => {
  expect(like(claims, pattern, claim)).toBe(true)
  expect(like(claims, `x${pattern}`, claim)).toBe(false)
})

test.each<[string, Record<string, unknown>]>([
  ['is a list', { ref: ['refs/heads/hotfix/1', 'refs/heads/main'] }],
  ['is a list of one', { ref: ['refs/heads/hotfix/1'] }],
  ['is not there', {}],
  ['is an object', { ref: { a: 'refs/heads/hotfix/1' } }],
])('a claim that %s is no string', (_, claims) => {
  expect(like(claims, '*')).toBe(false)
})

test('two tokens that differ in such a claim are decided apart', () => {
  const policies = compiled(
    '@id("p") permit (principal, action, resource) when { principal.claims.hasTag("ref") && principal.claims.getTag("ref") like "a*" };',
  )
  const decide = (ref: string) =>
    decided(policies, wants('github.contents.read'), {
      principal: { issuer: 'ci', subject: 's', claims: { ref } },
    }).outcome
  expect([decide('a1'), decide('b1'), decide('a1')]).toEqual(['allowed', 'denied', 'allowed'])
})

test('claims have no name in policies', () => {
  expect(
    faultsIn(
      '@id("p") forbid (principal, action, resource) when { principal.claims == Mayfly::Claims::"claims" };',
    ),
  ).toMatchObject([{ message: 'Claims have no name in policies' }])
})
