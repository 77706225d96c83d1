import { expect, test } from 'vitest'
import { allowed, compiled, decided, faultsIn, permitAll, wants } from '../support/policy.ts'

const deep = { file: '0.cedar', path: 'line 2', message: expect.stringContaining('nested too deeply') }
const policy = (condition: string) => `@id("f")\nforbid (principal, action, resource) when { ${condition} };`

// Each of these, given to the engine, leaves it broken for the rest of the process.
test.each([
  ['brackets', `${'('.repeat(200)}true${')'.repeat(200)}`],
  ['negations', `${'!('.repeat(200)}true${')'.repeat(200)}`],
  ['records', `${'{ a: '.repeat(200)}1${' }'.repeat(200)} == 2`],
  ['attributes', `context${'.a'.repeat(500)}`],
  ['sums', `${'1 + '.repeat(500)}1 == 2`],
  ['conditionals', `${'if true then true else '.repeat(1000)}true`],
  ['conjunctions', `${'true && '.repeat(5000)}true`],
  ['brackets after a comment', `true // \r && ${'('.repeat(200)}true${')'.repeat(200)}`],
])('a policy nested too deeply is a fault, and the engine goes on: %s', (_, condition) => {
  expect(faultsIn(policy(condition))).toMatchObject([deep])
  expect(decided(compiled(permitAll), wants('github.contents.read'))).toEqual(allowed)
})

test('a policy that is long but not deep is none', () => {
  const names = Array.from({ length: 2000 }, (_, at) => `"((((${at}.+"`).join(', ')
  const either = Array.from({ length: 200 }, (_, at) => `context.environment == "${at}"`).join(' || ')
  expect(faultsIn(policy(`[${names}].contains(context.purpose)`))).toEqual([])
  expect(faultsIn(policy(either))).toEqual([])
})
