import { expect, test } from 'vitest'
import { faultsIn } from '../support/policy.ts'

const gated = (clauses: string) =>
  `@id("f") @approval("security") forbid (principal, action, resource) ${clauses};`

test.each([
  ['another group', 'unless { context.approvals.contains("legal") }'],
  ['no unless clause', ''],
  ['a when clause instead', 'when { context.ttl > 60 }'],
  [
    'a further unless clause',
    'unless { context.approvals.contains("security") } unless { context.ttl < 60 }',
  ],
])('@approval with %s is a fault', (_, clauses) => {
  expect(faultsIn(gated(clauses))).toMatchObject([
    { path: 'f', message: '@approval("security") needs the same group in its only unless clause' },
  ])
})

test.each([
  'unless { context.approvals.contains("security") || context.approvals.contains("legal") }',
  'unless { context.approvals.containsAny(["security", "legal"]) }',
  'unless { context.approvals.contains("security") && context.ttl < 60 }',
  'unless { context.approvals.contains(principal.subject) }',
  'unless { context.approvals.contains("security") } unless { context.approvals.contains("legal") }',
])('@approval with more than its group in the clause is a fault: %s', (clauses) => {
  expect(faultsIn(gated(clauses)).map(({ message }) => message)).toContain(
    '@approval("security") needs the same group in its only unless clause',
  )
})

test('@approval with further when clauses is none', () => {
  expect(
    faultsIn(gated('when { context.ttl > 60 } unless { context.approvals.contains("security") }')),
  ).toEqual([])
})
