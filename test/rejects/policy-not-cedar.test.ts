import { expect, test } from 'vitest'
import { faultsIn, permitAll } from '../support/policy.ts'

test('a file that is not Cedar is a fault at its line', () => {
  expect(faultsIn(`${permitAll}\n// é\n@id("q") permit (principal, action);`)).toMatchObject([
    { file: '0.cedar', path: 'line 3' },
  ])
})
