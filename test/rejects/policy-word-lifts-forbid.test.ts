import { expect, test } from 'vitest'
import { faultsIn } from '../support/policy.ts'

const forbid = (clause: string) => `@id("f") forbid (principal, action, resource) ${clause};`
const tag = 'context.request.hasTag("ticket")'
const good = `${tag} && context.request.getTag("ticket") == "yes"`

test.each([
  `unless { ${tag} }`,
  `unless { ${good} }`,
  'unless { context.purpose like "*deploy*" }',
  `when { !${tag} }`,
  `when { !(${good}) }`,
  `when { !(${tag}) || !(${good}) }`,
  `when { ${tag} && context.request.getTag("ticket") != "no" }`,
  `when { ${tag} == false }`,
  `when { false == ${tag} }`,
  `when { ${tag} == (context.ttl > 60) }`,
  `when { ${tag} != true }`,
  `when { if ${tag} then false else true }`,
  `when { if ${tag} then context.ttl > 60 else context.ttl > 30 }`,
  `when { if context.ttl > 60 then !${tag} else false }`,
  `when { context.request.hasTag("deploying") && !${tag} }`,
  'when { context.purpose != "fix" }',
  'when { !(["fix", "test"].contains(context.purpose)) }',
  'when { ["fix", "test"].contains(context.purpose) == false }',
  'when { !(["fix", "test"].containsAny([context.purpose])) }',
  `when { [${tag}].contains(false) }`,
  `when { [false].contains(${tag}) }`,
  `when { { a: ${tag} } == { a: false } }`,
  `when { { a: ${tag} }.a == false }`,
  'when { [context.purpose] == ["fix"] }',
  'when { principal.hasTag("ref") && !(principal.getTag("ref").contains(context.purpose)) }',
  'when { !(principal.hasTag(context.purpose)) }',
  'when { context.request.hasTag(context.purpose) == false }',
  'when { context.ttl > (if context.purpose == "fix" then 9000 else 60) }',
  `when { context.held.contains("deploy") } unless { ${tag} }`,
  `when { ${tag} } unless { ${good} }`,
])('a forbid that a word of the caller could lift is a fault: %s', (clause) => {
  expect(faultsIn(forbid(clause))).toMatchObject([
    { path: 'f', message: expect.stringMatching(/^the forbid can be lifted by context\.(purpose|request)/) },
  ])
})

test('so is one that asks for an approval', () => {
  const text = `@id("f") @approval("security") forbid (principal, action, resource)
    when { !${tag} } unless { context.approvals.contains("security") };`
  expect(faultsIn(text)).toMatchObject([{ path: 'f', message: expect.stringContaining('can be lifted') }])
})

test.each([
  'when { context.purpose == "coin" }',
  'when { "coin" == context["purpose"] }',
  'when { ["coin", "spam"].contains(context.purpose) }',
  'when { context.purpose like "*coin*" || context.request.hasTag("model") }',
  `when { ${tag} && context.request.getTag("ticket") like "no*" && context.ttl > 60 }`,
  'when { context.request.hasTag(principal.subject) }',
  'when { context.request.hasTag("model") && ["old", "older"].contains(context.request.getTag("model")) }',
  'when { context.request.hasTag("model") } when { context.purpose like "*coin*" } unless { context.ttl < 60 }',
])('one that a word can only bring about is none: %s', (clause) => {
  expect(faultsIn(forbid(clause))).toEqual([])
})
