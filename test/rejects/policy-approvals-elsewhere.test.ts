import { expect, test } from 'vitest'
import { faultsIn } from '../support/policy.ts'

const elsewhere = {
  path: 'p',
  message: 'context.approvals is used outside the unless clause of an @approval forbid',
}

test.each([
  'permit (principal, action, resource) when { context.approvals.contains("security") }',
  'permit (principal, action, resource) when { context has approvals }',
  'forbid (principal, action, resource) unless { context.approvals.contains("security") }',
  'forbid (principal, action, resource) when { context.approvals.isEmpty() }',
])('context.approvals without @approval is a fault: %s', (policy) => {
  expect(faultsIn(`@id("p") ${policy};`)).toMatchObject([elsewhere])
})

test('context.approvals in another clause of an @approval forbid is a fault', () => {
  expect(
    faultsIn(
      `@id("p") @approval("security") forbid (principal, action, resource)
       when { context.approvals.contains("legal") } unless { context.approvals.contains("security") };`,
    ),
  ).toMatchObject([elsewhere])
})

test('the whole context in a forbid, which would reach approvals, is a fault', () => {
  const text = '@id("p") forbid (principal, action, resource) when { {c: context}.c.approvals.isEmpty() };'
  expect(faultsIn(text)).toMatchObject([{ path: 'p', message: 'context is used as a whole' }])
})
