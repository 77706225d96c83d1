/** What a policy is for is said wherever it refuses. */
import { expect, test } from 'vitest'
import { compiled, decided, faultsIn, permitAll, wants } from '../support/policy.ts'

const forbid = (annotations: string) =>
  `${annotations} forbid (principal, action in Mayfly::Action::"write", resource);`

test('a denial tells what the policies that denied are for', () => {
  const policies = compiled(
    permitAll,
    forbid('@id("frozen") @description("Nothing changes during the audit")'),
    forbid('@id("other")'),
  )
  expect(decided(policies, wants('github.contents.write'))).toEqual({
    outcome: 'denied',
    denials: [
      {
        action: 'github.contents.write',
        resource: 'GithubRepository::"acme/web"',
        policies: ['frozen', 'other'],
        descriptions: { frozen: 'Nothing changes during the audit' },
      },
    ],
  })
})

test.each([
  ['hides something', '@description("fine \\u{202e}enif")'],
  ['has two lines', '@description("one\\ntwo")'],
  ['says nothing', '@description(" ")'],
  ['is a page', `@description("${'x'.repeat(501)}")`],
])('a description that %s is a fault', (_what, annotation) => {
  expect(faultsIn(forbid(`@id("p") ${annotation}`))).toMatchObject([
    { path: 'p', message: '@description is not one line of printable text' },
  ])
})
