import { expect, test } from 'vitest'
import { faultsIn } from '../support/policy.ts'

const permit = (condition: string) => `@id("p") permit (principal, action, resource) when { ${condition} };`

test.each([
  ['context.purpose == "release"', 'purpose'],
  ['context["purpose"] like "rel*"', 'purpose'],
  ['context has purpose', 'purpose'],
  ['[context.purpose].contains("release")', 'purpose'],
  ['principal.hasTag(context.purpose)', 'purpose'],
  ['context.request.hasTag("model")', 'request'],
  ['context.ttl < 60 || (if context.request.hasTag("a") then true else false)', 'request'],
])('a permit that reads what the caller says is a fault: %s', (condition, attribute) => {
  expect(faultsIn(permit(condition))).toMatchObject([
    { path: 'p', message: expect.stringContaining(`context.${attribute}, which the caller chooses`) },
  ])
})

test('reading it in an unless clause is a fault too', () => {
  const text = '@id("p") permit (principal, action, resource) unless { context.purpose == "x" };'
  expect(faultsIn(text)).toMatchObject([{ path: 'p' }])
})

test.each([
  '{ c: context }.c.purpose == "release"',
  '{ "__proto__": context }["__proto__"].purpose == "release"',
  '(if context.ttl > 60 then context else context).purpose == "release"',
])('a permit that reaches it by way of the whole context is a fault: %s', (condition) => {
  expect(faultsIn(permit(condition))).toMatchObject([{ path: 'p', message: 'context is used as a whole' }])
})

test('a permit that reaches it by naming the request entity is a fault', () => {
  expect(faultsIn(permit('Mayfly::Request::"request".hasTag("model")'))).toMatchObject([
    { path: 'p', message: 'a Request has no name in policies' },
  ])
})

test('a forbid may read it', () => {
  expect(
    faultsIn(
      `@id("f") forbid (principal, action, resource)
       when { context.purpose like "*coin*" || context.request.hasTag("model") };`,
    ),
  ).toEqual([])
})
