import { expect, test } from 'vitest'
import { github } from '../../providers/github.ts'

test.each(['email_addresses', 'gpg_keys', 'interaction_limits', 'profile', 'starring'])(
  'a permission on a user is refused: a task has none: %j',
  (input) => {
    const { error } = github.detail.safeParse({
      type: 'github',
      repositories: ['acme/web'],
      permissions: { [input]: 'write' },
    })
    expect(error?.issues).toMatchObject([
      { message: expect.stringContaining('is a permission on a user') as string },
    ])
  },
)
