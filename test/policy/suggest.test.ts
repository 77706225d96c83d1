/** What is suggested for an unknown name is never about more than what was written. */
import { expect, test } from 'vitest'
import { providers } from '../../providers/catalog.ts'
import { policySchema } from '../../src/policy/schema.ts'
import { suggestions } from '../../src/policy/suggest.ts'

const suggest = suggestions(policySchema(providers).text)
const action = (id: string) => `Mayfly::Action::"${id}"`

test.each([
  ['github.content.write', 'github.contents.write'],
  ['github.contents.wrte', 'github.contents.write'],
  ['github.pullrequests.read', 'github.pull_requests.read'],
  ['gihub.secret.read', 'github.secrets.read'],
  ['contents.write', 'github.contents.write'],
  ['aws.assume_role.deply', 'aws.assume_role.deploy'],
  ['reed', 'read'],
])('the action %s was meant to be %s', (written, meant) => {
  expect(suggest(action(written))).toBe(`Did you mean \`${action(meant)}\`?`)
})

test('an action of another namespace keeps its name', () => {
  expect(suggest('Action::"read"')).toBe(`Did you mean \`${action('read')}\`?`)
})

test('of a level that a permission does not have, those that it has are named', () => {
  expect(suggest(action('github.contents.admin'))).toBe(
    `Write one of ${action('github.contents.read')}, ${action('github.contents.write')}.`,
  )
})

test.each(['github.plan.write', 'github.nothing.like_it', 'github', 'deployments'])(
  'for %s, near to which there is only something else, nothing is suggested',
  (written) => {
    expect(suggest(action(written))).not.toMatch(/Did you mean/)
  },
)

test.each([
  ['Mayfly::GithubRepo', 'Mayfly::GithubRepository'],
  ['Mayfly::Repository', 'Mayfly::GithubRepository'],
  ['Mayfly::Agnt', 'Mayfly::Agent'],
  ['Agent', 'Mayfly::Agent'],
])('the type %s was meant to be %s', (written, meant) => {
  expect(suggest(written)).toBe(`Did you mean \`${meant}\`?`)
})

test('what a resource is in is not suggested for the resource', () => {
  expect(suggest('Mayfly::GithubOrg')).not.toMatch(/Did you mean/)
})
