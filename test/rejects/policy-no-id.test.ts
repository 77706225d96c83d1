import { expect, test } from 'vitest'
import { faultsIn } from '../support/policy.ts'

test.each(['', '@id ', '@id("") ', '@description("d") '])(
  'a policy with %j for an id is a fault',
  (before) => {
    expect(faultsIn(`\n${before}permit (principal, action, resource);`)).toMatchObject([
      { file: '0.cedar', path: 'line 2', message: 'the policy has no @id' },
    ])
  },
)
