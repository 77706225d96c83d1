import { expect, test } from 'vitest'
import { faultsIn } from '../support/policy.ts'

test.each(['aproval("security")', 'Approval("security")', 'advice("a")', 'ID("x")'])(
  'the annotation @%s is a fault',
  (annotation) => {
    expect(faultsIn(`@id("f") @${annotation} forbid (principal, action, resource);`)).toMatchObject([
      { path: 'f', message: expect.stringMatching(/^the annotation @\w+ is unknown$/) },
    ])
  },
)
