import { expect, test } from 'vitest'
import { github } from '../../providers/github.ts'

test.each([[['acme/web', 'acme/web']], [['acme/web', 'Acme/WEB']]])(
  'the same repository twice is refused, also in different case: %j',
  (input) => {
    const { error } = github.detail.safeParse({
      type: 'github',
      repositories: input,
      permissions: { contents: 'read' },
    })
    expect(error?.issues).toMatchObject([{ message: expect.stringContaining('named twice') as string }])
  },
)
