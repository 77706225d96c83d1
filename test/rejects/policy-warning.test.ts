import { expect, test } from 'vitest'
import { faultsIn } from '../support/policy.ts'

test('a policy that can never hold is a fault', () => {
  expect(faultsIn('@id("p") forbid (principal, action, resource) when { false };')).toMatchObject([
    { file: '0.cedar', path: 'p', message: expect.stringContaining('impossible') },
  ])
})

test('a string of mixed scripts is a fault', () => {
  const text = '@id("p") forbid (principal, action, resource) when { context.environment == "prоduction" };'
  expect(faultsIn(text)).toMatchObject([{ path: 'p', message: expect.stringContaining('mixed scripts') }])
})
