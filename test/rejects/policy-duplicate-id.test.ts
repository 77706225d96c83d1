import { expect, test } from 'vitest'
import { faultsIn } from '../support/policy.ts'

const permit = '@id("p") permit (principal, action, resource);'
const forbid = '@id("p") forbid (principal, action, resource);'

test('an @id of two policies in different files is a fault', () => {
  expect(faultsIn(permit, forbid)).toMatchObject([
    { file: '1.cedar', path: 'p', message: expect.stringContaining('0.cedar') },
  ])
})

test('an @id of two policies in one file is a fault', () => {
  expect(faultsIn(permit + forbid)).toMatchObject([{ file: '0.cedar', path: 'p' }])
})
