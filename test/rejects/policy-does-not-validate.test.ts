import { expect, test } from 'vitest'
import { faultsIn } from '../support/policy.ts'

test('a policy that reads an attribute which does not exist is a fault', () => {
  expect(faultsIn('@id("p") permit (principal, action, resource) when { principal.isuer == "ci" };')).toEqual(
    [
      {
        file: '0.cedar',
        path: 'p',
        line: 1,
        column: 54,
        message: 'attribute `isuer` on entity type `Mayfly::Agent` not found',
        remedy: 'Did you mean `issuer`?',
      },
    ],
  )
})

test('a policy that takes a claim without testing that it is there is a fault', () => {
  expect(
    faultsIn('@id("p") permit (principal, action, resource) when { principal.getTag("ref").contains("m") };'),
  ).toMatchObject([{ path: 'p', message: expect.stringContaining('unable to guarantee safety') }])
})
