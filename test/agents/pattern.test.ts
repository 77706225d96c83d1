import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { compilePattern, matchesPattern, overlap } from '../../src/agents/pattern.ts'

const matchesText = (pattern: string, value: string) => matchesPattern(compilePattern(pattern), value)

/** What a pattern means, by trying everything. */
function meaning(pattern: string, value: string): boolean {
  if (pattern === '') return value === ''
  if (pattern[0] !== '*') return value[0] === pattern[0] && meaning(pattern.slice(1), value.slice(1))
  const wildcard = pattern.startsWith('**') ? '**' : '*'
  const stopsAt = wildcard === '**' ? ':' : '/:'
  for (let taken = 1; taken <= value.length && !stopsAt.includes(value[taken - 1]!); taken++)
    if (meaning(pattern.slice(wildcard.length), value.slice(taken))) return true
  return false
}

const overlapping = (a: string, b: string) => overlap(compilePattern(a), compilePattern(b))

/** Enough to hold what two patterns of four parts have in common. */
const shortValues = Array.from({ length: 7 }).reduce<string[]>(
  (all) => ['', ...all.flatMap((text) => ['a', '/', ':'].map((character) => text + character))],
  [''],
)

const alphabet = fc.constantFrom('a', 'b', '/', ':')
const pattern = fc
  .array(fc.constantFrom('a', 'b', '/', ':', '*', '**'), { minLength: 1, maxLength: 8 })
  .map((parts) => parts.join('').replaceAll(/\*{3,}/g, '**'))
const value = fc.array(alphabet, { maxLength: 12 }).map((parts) => parts.join(''))

const mask = fc.array(fc.boolean(), { minLength: 12, maxLength: 12 })
/** A pattern that matches `text`: its masked characters, but for separators, become wildcards. */
const masked = (text: string, hidden: boolean[]) =>
  Array.from(text, (character, at) => (hidden[at] && !'/:'.includes(character) ? '*' : character))
    .join('')
    .replaceAll(/\*{3,}/g, '**')

describe('a pattern', () => {
  it('without a wildcard is the text itself', () => {
    expect(matchesText('repo:acme/web', 'repo:acme/web')).toBe(true)
    expect(matchesText('repo:acme/web', 'repo:acme/webs')).toBe(false)
  })

  it('stands for at least one character', () => {
    expect(matchesText('repo:acme/*', 'repo:acme/web')).toBe(true)
    expect(matchesText('repo:acme/*', 'repo:acme/')).toBe(false)
  })

  it('stands for what lies below, however deep, where it is doubled, and never for another part of a subject', () => {
    expect(
      matchesText('repo:acme/web:ref:refs/heads/**', 'repo:acme/web:ref:refs/heads/hotfix/3.1/a/b/c'),
    ).toBe(true)
    expect(matchesText('repo:acme/web:ref:refs/heads/**', 'repo:acme/web:ref:refs/heads/main')).toBe(true)
    expect(matchesText('repo:acme/web:ref:refs/heads/**', 'repo:acme/web:ref:refs/heads/')).toBe(false)
    expect(matchesText('repo:acme/**', 'repo:acme/web:environment:production')).toBe(false)
    expect(matchesText('refs/**/release-*', 'refs/heads/a/b/release-1')).toBe(true)
    expect(matchesText('refs/**/release-*', 'refs/heads/a/b/release-1/x')).toBe(false)
  })

  it('takes a star in a value for the character that it is', () => {
    expect(matchesText('a**c', 'a*')).toBe(false)
    expect(matchesText('ab**', 'a*x')).toBe(false)
  })

  it('takes no text twice', () => {
    expect(matchesText('aba*aba', 'aba')).toBe(false)
    expect(matchesText('aba*aba', 'ababa')).toBe(false)
    expect(matchesText('aba*aba', 'abaxaba')).toBe(true)
  })

  it('means what trying everything finds', () => {
    fc.assert(
      fc.property(pattern, value, (text, candidate) => {
        expect(matchesText(text, candidate)).toBe(meaning(text, candidate))
      }),
      { numRuns: 5000 },
    )
  })

  it('overlaps with every other one that matches the same value', () => {
    fc.assert(
      fc.property(value, mask, mask, (text, a, b) => {
        const [first, second] = [masked(text, a), masked(text, b)]
        expect(matchesText(first, text)).toBe(true)
        expect(matchesText(second, text)).toBe(true)
        expect(overlapping(first, second)).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })

  it('overlaps with no other one', () => {
    const short = fc
      .array(fc.constantFrom('a', '/', ':', '*', '**'), { minLength: 1, maxLength: 4 })
      .map((parts) => parts.join('').replaceAll(/\*{3,}/g, '**'))
    fc.assert(
      fc.property(short, short, (a, b) => {
        expect(overlapping(a, b)).toBe(shortValues.some((text) => meaning(a, text) && meaning(b, text)))
      }),
      { numRuns: 500 },
    )
  })

  it.each([
    ['repo:acme/*', 'repo:evil/*'],
    ['*:prod', '*:dev'],
    ['alice', 'bob'],
    ['repo:acme/*:ref:refs/heads/*', 'repo:acme/*:environment:*'],
    ['repo:acme/*:ref:refs/heads/*', 'repo:acme/web:pull_request'],
  ])('%s does not overlap with %s', (a, b) => {
    expect(overlapping(a, b)).toBe(false)
    expect(overlapping(b, a)).toBe(false)
  })

  it('with many wildcards overlaps or not within a bounded number of steps', () => {
    expect(overlapping(`${'*a'.repeat(40)}*b`, `${'a*'.repeat(40)}:b`)).toBe(false)
  })

  it('with many wildcards on hostile text costs no more than a few passes', () => {
    const hostile = 'a'.repeat(16_000)
    expect(matchesText(`${'*a'.repeat(400)}*b`, hostile)).toBe(false)
    expect(matchesText(`${'*aaaaaaab'.repeat(100)}*`, hostile)).toBe(false)
  })
})
