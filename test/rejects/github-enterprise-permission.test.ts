import { expect, test } from 'vitest'
import { github } from '../../providers/github.ts'

test('a permission on the enterprise is refused: it reaches other owners', () => {
  const { error } = github.detail.safeParse({
    type: 'github',
    repositories: ['acme/web'],
    permissions: { enterprise_custom_properties_for_organizations: 'read' },
  })
  expect(error?.issues).toMatchObject([{ message: expect.stringContaining('whole enterprise') as string }])
})
