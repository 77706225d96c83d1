/** Paths of Vault's policies, held against all short paths there are. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { covers, meet } from '../../providers/vault/patterns.ts'

const segment = fc.constantFrom('a', 'b', 'ab')
const paths = ['a', 'b', 'ab', 'c'].flatMap((x) => [
  x,
  ...['a', 'b', 'ab', 'c'].flatMap((y) => [
    `${x}/${y}`,
    ...['a', 'b', 'ab', 'c'].map((z) => `${x}/${y}/${z}`),
  ]),
])
const ruleOf = fc
  .tuple(
    fc.array(fc.oneof(segment, fc.constant('+')), { minLength: 1, maxLength: 3 }),
    fc.constantFrom('', '*', '/*'),
  )
  .map(([segments, end]) => segments.join('/') + end)
  .filter((rule) => !rule.endsWith('+*'))
const targetOf = fc
  .array(fc.oneof(segment, fc.constantFrom('+', '**')), { minLength: 1, maxLength: 3 })
  .map((s) => s.join('/'))

function fits(pattern: string, path: string, several: boolean): boolean {
  const text = pattern
    .replace(/\*$/, (star) => (several ? star : '~'))
    .replaceAll('**', '[^/]+(?:/[^/]+)*')
    .split('/')
    .map((each) => (each === '+' ? '[^/]+' : each))
    .join('/')
  return new RegExp(`^${text.replace(/~$/, '.*')}$`).test(path)
}

test('patterns meet where some path fits both, and one covers another where all of its paths fit', () => {
  fc.assert(
    fc.property(ruleOf, targetOf, (rule, target) => {
      const both = paths.some((path) => fits(rule, path, false) && fits(target, path, true))
      if (both) expect(meet(rule, target)).toBe(true)
      if (covers(rule, target))
        for (const path of paths.filter((each) => fits(target, each, true)))
          expect(fits(rule, path, false)).toBe(true)
      // Nothing of three segments is left out by the short alphabet.
      if (!both && !/\*/.test(rule + target)) expect(meet(rule, target)).toBe(false)
    }),
    { numRuns: 2_000 },
  )
})
