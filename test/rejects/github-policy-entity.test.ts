import { expect, test } from 'vitest'
import { github } from '../../providers/github.ts'

test.each([
  ['GithubRepository', 'acme/Web', 'acme/web'],
  ['GithubOwner', 'Acme', 'acme'],
])('a policy on a %s that is not in lower case is at fault: it would never match', (type, id, lower) => {
  expect(github.entityFault?.({ type, id })).toContain(lower)
  expect(github.entityFault?.({ type, id: lower })).toBeUndefined()
})

test.each([
  ['GithubRepository', 'acme'],
  ['GithubRepository', 'acme/web/x'],
  ['GithubOwner', 'acme/web'],
  ['GithubOwner', ''],
])('a policy on a %s that cannot exist is at fault: %j', (type, id) => {
  expect(github.entityFault?.({ type, id })).toBeDefined()
})

test('entities of others are not judged', () => {
  expect(github.entityFault?.({ type: 'Agent', id: 'Some Bot' })).toBeUndefined()
})
