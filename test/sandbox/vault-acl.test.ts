import { expect, test } from 'vitest'
import { capabilities } from '../../src/sandbox/vault/acl.ts'
import type { Policy } from '../../src/sandbox/vault/settings.ts'

const at = (path: string, ...policies: Policy[]) => {
  const named = Object.fromEntries(policies.map((policy, index) => [`p${index}`, policy]))
  return [...capabilities(named, Object.keys(named), path)].toSorted()
}

test('a rule is for its path and no other', () => {
  const policy: Policy = { 'a/b': ['read'] }
  expect(at('a/b', policy)).toEqual(['read'])
  for (const other of ['a', 'a/b/c', 'a/bc', 'x/a/b', 'A/b']) expect(at(other, policy)).toEqual([])
})

test('a closing star stands for any rest, also for none', () => {
  for (const path of ['a/b', 'a/bc', 'a/b/c/d']) expect(at(path, { 'a/b*': ['read'] })).toEqual(['read'])
  expect(at('a/c', { 'a/b*': ['read'] })).toEqual([])
})

test('a plus stands for one segment', () => {
  expect(at('a/x/c', { 'a/+/c': ['read'] })).toEqual(['read'])
  for (const other of ['a/c', 'a/x/y/c', 'a//c']) expect(at(other, { 'a/+/c': ['read'] })).toEqual([])
})

test('other signs stand for themselves', () => {
  expect(at('a/b.c', { 'a/b.c': ['read'] })).toEqual(['read'])
  expect(at('a/bxc', { 'a/b.c': ['read'] })).toEqual([])
})

test.each<[string, string, string]>([
  ['the whole path', 'a/b/c', 'a/b/*'],
  ['the later wildcard', 'a/b/*', 'a/+/c'],
  ['no closing star', 'a/+/c', 'a/*'],
  ['the longer one', 'a/b*', 'a/*'],
])('of two rules, %s counts, even if it gives less', (_, more, less) => {
  expect(at('a/b/c', { [more]: ['list'], [less]: ['read', 'update'] })).toEqual(['list'])
  expect(at('a/b/c', { [less]: ['read', 'update'], [more]: ['list'] })).toEqual(['list'])
})

test('rules of one pattern add up over policies, and deny beats them all', () => {
  expect(at('a', { a: ['read'] }, { a: ['list'] })).toEqual(['list', 'read'])
  expect(at('a', { a: ['read'] }, { a: ['deny'] })).toEqual([])
})

test('default lets a token look at itself and end itself, and root lets it do anything', () => {
  expect([...capabilities({}, ['default'], 'auth/token/lookup-self')]).toEqual(['read'])
  expect([...capabilities({}, ['default'], 'auth/token/revoke-self')]).toEqual(['update'])
  expect([...capabilities({}, ['default'], 'secret/data/x')]).toEqual([])
  expect(capabilities({}, ['root'], 'sys/anything').has('sudo')).toBe(true)
})
