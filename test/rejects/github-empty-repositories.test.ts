import { expect, test } from 'vitest'
import { github } from '../../providers/github.ts'

test('a detail without repositories is refused: GitHub would give all of them', () => {
  const { error } = github.detail.safeParse({
    type: 'github',
    repositories: [],
    permissions: { contents: 'read' },
  })
  expect(error?.issues).toMatchObject([
    { message: expect.stringContaining('at least one repository') as string },
  ])
})
