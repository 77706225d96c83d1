import { expect, test } from 'vitest'
import { faultsIn } from '../support/policy.ts'

test.each([
  ['the scope', 'resource == Mayfly::GithubRepository::"acme/Infra")'],
  [
    'the scope, with a type',
    'resource is Mayfly::GithubRepository in Mayfly::GithubRepository::"acme/Infra")',
  ],
  ['a condition', 'resource) when { resource == Mayfly::GithubRepository::"acme/Infra" }'],
  ['a set', 'resource) when { resource in [Mayfly::GithubRepository::"acme/Infra"] }'],
])('a repository in mixed case is a fault in %s', (_, rest) => {
  expect(faultsIn(`@id("f") forbid (principal, action, ${rest};`)).toMatchObject([
    { path: 'f', message: 'acme/Infra must be in lower case' },
  ])
})
