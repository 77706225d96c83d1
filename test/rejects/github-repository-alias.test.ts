import { expect, test } from 'vitest'
import { github } from '../../providers/github.ts'

test.each(['acme/web.git', 'acme/web.GIT', 'acme/.git'])(
  'a second spelling of a repository is refused: a forbid on the first would not see it: %j',
  (input) => {
    const { error } = github.detail.safeParse({
      type: 'github',
      repositories: [input],
      permissions: { contents: 'read' },
    })
    expect(error?.issues).toMatchObject([
      { message: expect.stringContaining('is not OWNER/REPOSITORY') as string },
    ])
  },
)
