import { expect, test } from 'vitest'
import { permitted } from '../../src/policy/permitted.ts'
import { compiled, permitAll } from '../support/policy.ts'

const write = { action: 'github.contents.write', class: 'write' } as const
const admin = { action: 'github.administration.write', class: 'admin' } as const

test('an action that a permit names is permitted by name', () => {
  const might = permitted(
    compiled('@id("p") permit (principal, action == Mayfly::Action::"github.contents.write", resource);'),
  )
  expect([might(write), might(admin)]).toEqual(['by name', undefined])
})

test('an action of a class that a permit names is permitted by class', () => {
  const might = permitted(
    compiled(
      '@id("p") permit (principal, action in [Mayfly::Action::"read", Mayfly::Action::"write"], resource);',
    ),
  )
  expect([might(write), might(admin)]).toEqual(['by class', undefined])
})

test('a permit for any action permits each by class', () => {
  const might = permitted(compiled(permitAll))
  expect([might(write), might(admin)]).toEqual(['by class', 'by class'])
})

test('a forbid permits nothing, and neither does a permit for an agent that is not configured', () => {
  const might = permitted(
    compiled(
      '@id("f") forbid (principal, action == Mayfly::Action::"github.contents.write", resource);',
      '@id("p") permit (principal == Mayfly::Agent::"nobody", action, resource);',
    ),
  )
  expect(might(write)).toBeUndefined()
})
