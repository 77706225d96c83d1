import { expect, test } from 'vitest'
import { allowed, compiled, decided, deniedBy, permitAll, wants } from '../support/policy.ts'

const gate = (id: string, group: string, scope = 'principal, action, resource', when = '') =>
  `@id("${id}") @approval("${group}") forbid (${scope}) ${when} unless { context.approvals.contains("${group}") };`
const pending = (...approvals: string[]) => ({ outcome: 'pending_approval', approvals })

const read = wants('github.contents.read')
const write = wants('github.contents.write', 'acme/web', ['github.contents.read'])

test('a request under an approval forbid waits for its group', () => {
  const policies = compiled(permitAll, gate('g', 'security'))
  expect(decided(policies, read)).toEqual(pending('security'))
  expect(decided(policies, read, { approvals: ['security'] })).toEqual(allowed)
})

test('the yes of another group does not help', () => {
  const policies = compiled(permitAll, gate('g', 'security'))
  expect(decided(policies, read, { approvals: ['legal'] })).toEqual(pending('security'))
})

test('only the groups still needed are named, sorted, each once', () => {
  const policies = compiled(
    permitAll,
    gate('1', 'security') + gate('2', 'platform') + gate('3', 'legal') + gate('4', 'legal'),
  )
  expect(decided(policies, read)).toEqual(pending('legal', 'platform', 'security'))
  expect(decided(policies, read, { approvals: ['platform'] })).toEqual(pending('legal', 'security'))
})

test('the groups of all pairs are needed together', () => {
  const policies = compiled(
    permitAll,
    gate('r', 'legal', 'principal, action in Mayfly::Action::"read", resource'),
    gate('w', 'security', 'principal, action in Mayfly::Action::"write", resource'),
  )
  expect(decided(policies, [read, wants('github.contents.write')])).toEqual(pending('legal', 'security'))
})

test('an approval forbid on an implied action counts too', () => {
  const policies = compiled(
    '@id("w") permit (principal, action in Mayfly::Action::"write", resource);',
    gate('r', 'security', 'principal, action in Mayfly::Action::"read", resource'),
  )
  expect(decided(policies, write)).toEqual(pending('security'))
  expect(decided(policies, write, { approvals: ['security'] })).toEqual(allowed)
})

test('nobody is asked to approve what no policy permits', () => {
  expect(decided(compiled(gate('g', 'security')), read)).toEqual(deniedBy('github.contents.read', []))
})

test('nobody is asked to approve what is forbidden whoever approves', () => {
  const policies = compiled(
    permitAll,
    gate('g', 'security'),
    '@id("never") forbid (principal, action, resource);',
  )
  expect(decided(policies, read)).toEqual(deniedBy('github.contents.read', ['g', 'never']))
})

test('nobody is asked to approve one pair when another is denied', () => {
  const policies = compiled(
    '@id("r") permit (principal, action in Mayfly::Action::"read", resource);',
    gate('g', 'security', 'principal, action in Mayfly::Action::"read", resource'),
  )
  expect(decided(policies, [read, wants('github.secrets.write')])).toEqual(
    deniedBy('github.secrets.write', []),
  )
})

test('an approval forbid may have conditions of its own', () => {
  const policies = compiled(
    permitAll,
    gate('long', 'security', 'principal, action, resource', 'when { context.ttl > 1800 }'),
  )
  expect(decided(policies, read, { ttl: 1800 })).toEqual(allowed)
  expect(decided(policies, read, { ttl: 1801 })).toEqual(pending('security'))
})

test('a failing policy denies although an approval is asked too', () => {
  const policies = compiled(
    permitAll,
    gate('g', 'security'),
    '@id("broken") forbid (principal, action, resource) when { context.ttl * 9223372036854775807 > 0 };',
  )
  expect(decided(policies, read)).toEqual(deniedBy('github.contents.read', ['broken', 'g']))
})

test('nobody is asked to approve what an approval forbid fails to decide', () => {
  const policies = compiled(
    permitAll,
    // The approval would keep the failing clause from being evaluated.
    `@id("g") @approval("security") forbid (principal, action, resource)
     unless { context.approvals.contains("security") } when { context.ttl * 9223372036854775807 > 0 };`,
  )
  expect(decided(policies, read)).toEqual(deniedBy('github.contents.read', ['g']))
})
