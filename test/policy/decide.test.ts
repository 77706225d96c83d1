import { expect, test } from 'vitest'
import { decide } from '../../src/policy/decide.ts'
import {
  allowed,
  ask,
  bot,
  compiled,
  decided,
  deniedBy,
  facts,
  permitAll,
  wants,
  wantsRole,
} from '../support/policy.ts'

const read = wants('github.contents.read')
const write = wants('github.contents.write', 'acme/web', ['github.contents.read'])

test('what no policy permits is denied, and names no policy', () => {
  expect(decided(compiled(), read)).toEqual(deniedBy('github.contents.read', []))
})

test('a permit for a class allows the actions of that class and no other', () => {
  const policies = compiled('@id("r") permit (principal, action in Mayfly::Action::"read", resource);')
  expect(decided(policies, read)).toEqual(allowed)
  expect(decided(policies, write)).toEqual(deniedBy('github.contents.write', []))
})

test('a permit for an owner allows its repositories', () => {
  const policies = compiled('@id("o") permit (principal, action, resource in Mayfly::GithubOwner::"acme");')
  expect(decided(policies, read)).toEqual(allowed)
  expect(decided(policies, wants('github.contents.read', 'evil/web'))).toMatchObject({ outcome: 'denied' })
})

test('a forbid wins, and every one that does is named in order', () => {
  const policies = compiled(
    permitAll,
    '@id("z") forbid (principal, action, resource); @id("a") forbid (principal, action, resource);',
  )
  expect(decided(policies, read)).toEqual(deniedBy('github.contents.read', ['a', 'z']))
})

test('an implied action needs no permit of its own', () => {
  const policies = compiled('@id("w") permit (principal, action in Mayfly::Action::"write", resource);')
  expect(decided(policies, write)).toEqual(allowed)
})

test('an implied action that is forbidden denies', () => {
  const policies = compiled(
    permitAll,
    '@id("no-read") forbid (principal, action == Mayfly::Action::"github.contents.read", resource);',
  )
  expect(decided(policies, write)).toEqual(deniedBy('github.contents.read', ['no-read']))
})

test('one refused request denies all, and only what is refused is named', () => {
  const policies = compiled('@id("r") permit (principal, action in Mayfly::Action::"read", resource);')
  expect(decided(policies, [read, write])).toEqual(deniedBy('github.contents.write', []))
})

test('a pair that several details ask for is denied once', () => {
  expect(decide(compiled(), facts(), [ask(read), ask(read)])).toEqual(deniedBy('github.contents.read', []))
})

test('nothing asked is not allowed', () => {
  const policies = compiled(permitAll)
  const nothing = { outcome: 'denied', denials: [] }
  expect(decide(policies, facts(), [])).toEqual(nothing)
  expect(decide(policies, facts(), [ask(read), ask()])).toEqual(nothing)
})

test('an agent that was not given at compile time is denied', () => {
  const policies = compiled(permitAll)
  expect(decided(policies, read, { agent: { ...bot, name: 'stranger' } })).toEqual(
    deniedBy('github.contents.read', []),
  )
})

test('an agent whose owner or environment changed since compile time is denied', () => {
  const policies = compiled(permitAll)
  for (const change of [{ owner: 'data@acme.dev' }, { environment: 'prod' }]) {
    expect(decided(policies, read, { agent: { ...bot, ...change } })).toMatchObject({ outcome: 'denied' })
  }
})

test('an undeclared action, resource type or pair of them is denied', () => {
  const policies = compiled(permitAll)
  const { resource } = wantsRole()
  for (const request of [
    wants('github.unheard_of.read'),
    wants('constructor'),
    wants('read'),
    { ...read, resource },
    { ...read, resource: { ...resource, type: 'Nothing' } },
  ]) {
    expect(decided(policies, request)).toMatchObject({ outcome: 'denied' })
  }
})

test("a provider's own context is seen by policy", () => {
  const policies = compiled(
    permitAll,
    `@id("no-iam") forbid (principal, action == Mayfly::Action::"aws.assume_role.deploy", resource)
     when { context.aws_actions.contains("iam:*") };`,
  )
  expect(decided(policies, wantsRole({ aws_actions: ['s3:getobject'] }))).toEqual(allowed)
  expect(decided(policies, wantsRole({ aws_actions: ['iam:*'] }))).toEqual(
    deniedBy('aws.assume_role.deploy', ['no-iam'], 'AwsRole::"deployer"'),
  )
})

test('context that the action does not declare, or lacks, denies', () => {
  const policies = compiled(permitAll)
  expect(decided(policies, wantsRole())).toMatchObject({ outcome: 'denied' })
  expect(decided(policies, { ...read, context: { aws_actions: ['*'] } })).toMatchObject({ outcome: 'denied' })
})

test("a provider's context cannot replace what the broker states", () => {
  const policies = compiled(permitAll)
  const forged = { ...read, context: { approvals: ['security'] } }
  const gated = compiled(
    permitAll,
    '@id("g") @approval("security") forbid (principal, action, resource) unless { context.approvals.contains("security") };',
  )
  expect(decided(policies, forged)).toEqual(allowed)
  expect(decided(gated, forged)).toEqual({ outcome: 'pending_approval', approvals: ['security'] })
})

test('a string that the engine cannot read denies, and the next decision is made as ever', () => {
  const policies = compiled(permitAll)
  expect(decided(policies, read, { purpose: '\ud800' })).toMatchObject({ outcome: 'denied' })
  expect(decided(policies, read)).toEqual(allowed)
})

test('a policy whose id is __proto__ is not lost', () => {
  const policies = compiled(permitAll, '@id("__proto__") forbid (principal, action, resource);')
  expect(decided(policies, read)).toEqual(deniedBy('github.contents.read', ['__proto__']))
})
