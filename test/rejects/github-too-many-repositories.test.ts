import { expect, test } from 'vitest'
import { github } from '../../providers/github.ts'

const naming = (count: number) =>
  github.detail.safeParse({
    type: 'github',
    repositories: Array.from({ length: count }, (_, n) => `acme/r${n}`),
    permissions: { contents: 'read' },
  }).success

test('more repositories than one token can name are refused', () => {
  expect(naming(500)).toBe(true)
  expect(naming(501)).toBe(false)
})
