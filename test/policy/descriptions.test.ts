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
  ['is a page', `@description("${'x'.repeat(501)}")`],
])('a description that %s is a fault', (_what, annotation) => {
  expect(faultsIn(forbid(`@id("p") ${annotation}`))).toMatchObject([
    { path: 'p', message: '@description is not printable text of a line or two' },
  ])
})

test('one that is written over several lines is shown as one', () => {
  const policies = compiled(
    permitAll,
    forbid('@id("p") @description("Nothing changes\n   during the audit")'),
  )
  expect(decided(policies, wants('github.contents.write'))).toMatchObject({
    denials: [{ descriptions: { p: 'Nothing changes during the audit' } }],
  })
})
