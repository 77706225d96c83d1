import { expect, test } from 'vitest'
import { github } from '../../providers/github.ts'

test.each([
  ['contents', 'admin', 'contents has the levels: read, write'],
  ['contents', '', 'contents has the levels: read, write'],
  ['contents', 'WRITE', 'contents has the levels: read, write'],
  ['contents', null, 'contents has the levels: read, write'],
  ['workflows', 'read', 'workflows has the levels: write'],
  ['organization_plan', 'write', 'organization_plan has the levels: read'],
])('a level that a permission does not have is refused with those it has: %s %j', (name, level, message) => {
  const { error } = github.detail.safeParse({
    type: 'github',
    repositories: ['acme/web'],
    permissions: { [name]: level },
  })
  expect(error?.issues).toMatchObject([{ message }])
})
