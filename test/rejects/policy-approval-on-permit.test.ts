import { expect, test } from 'vitest'
import { faultsIn } from '../support/policy.ts'

test('@approval on a permit is a fault', () => {
  const text =
    '@id("p") @approval("security") permit (principal, action, resource) unless { context.approvals.contains("security") };'
  expect(faultsIn(text)).toMatchObject([{ path: 'p', message: '@approval stands on a permit' }])
})
