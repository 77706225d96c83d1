import { expect, test } from 'vitest'
import { github } from '../../providers/github.ts'

test('a detail without permissions is refused: GitHub would give all of them', () => {
  const { error } = github.detail.safeParse({ type: 'github', repositories: ['acme/web'], permissions: {} })
  expect(error?.issues).toMatchObject([
    { message: expect.stringContaining('at least one permission') as string },
  ])
})
