import { expect, test } from 'vitest'
import { faultsIn } from '../support/policy.ts'

test.each(['nobody', ''])('an approval of %j, which no admin may give, is a fault', (group) => {
  const text = `@id("f") @approval("${group}") forbid (principal, action, resource) unless { context.approvals.contains("${group}") };`
  expect(faultsIn(text)).toMatchObject([
    {
      path: 'f',
      message: `nobody can give the approval of "${group}"`,
      remedy: expect.stringContaining('admins'),
    },
  ])
})
