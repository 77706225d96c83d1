import { expect, test } from 'vitest'
import { faultsIn, permitAll } from '../support/policy.ts'

test.each(['principal == ?principal, action, resource', 'principal, action, resource in ?resource'])(
  'a template is a fault: %s',
  (scope) => {
    expect(faultsIn(`${permitAll}\n@id("t") permit (${scope});`)).toMatchObject([
      { file: '0.cedar', path: 'line 2', message: 'this is a template' },
    ])
  },
)
