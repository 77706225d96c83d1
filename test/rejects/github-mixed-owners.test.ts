import { expect, test } from 'vitest'
import { github } from '../../providers/github.ts'

test('repositories of two owners are refused: a token has one installation', () => {
  const { error } = github.detail.safeParse({
    type: 'github',
    repositories: ['acme/web', 'other/web'],
    permissions: { contents: 'read' },
  })
  expect(error?.issues).toMatchObject([{ message: expect.stringContaining('one owner') as string }])
})
