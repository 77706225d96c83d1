import { expect, test } from 'vitest'
import { vault } from '../../providers/vault.ts'

test.each([
  ['none', []],
  ['root', ['root']],
  ['root in capitals', ['Root']],
  ['default', ['default']],
  ['an empty name', ['']],
  ['one twice', ['ci-read', 'ci-read']],
  ['one twice in different case', ['ci-read', 'CI-Read']],
  ['a name with spaces around it, which Vault would strip', [' root ']],
  ['a name with a comma', ['ci-read,root']],
  ['a name with a line break', ['ci-read\nroot']],
  ['a name that is no text', [7]],
  ['more than a hundred', Array.from({ length: 101 }, (_, index) => `policy-${index}`)],
  ['text instead of a list', 'ci-read'],
])('policies with %s are refused', (_, policies) => {
  expect(vault.detail.safeParse({ type: 'vault', policies }).success).toBe(false)
})
