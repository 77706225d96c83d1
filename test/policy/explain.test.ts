import { expect, test } from 'vitest'
import { explain, type Part } from '../../src/policy/explain.ts'
import { ask, compiled, decided, facts, permitAll, wants } from '../support/policy.ts'

const read = wants('github.contents.read')
const write = wants('github.contents.write', 'acme/web', ['github.contents.read'])
const gate = (id: string, group: string, when = '') =>
  `@id("${id}") @approval("${group}") forbid (principal, action in Mayfly::Action::"write", resource)
   ${when} unless { context.approvals.contains("${group}") };`

function explained(text: string, requests = [read], changed: Parameters<typeof facts>[0] = {}) {
  const { decision, requests: all } = explain(compiled(text), facts(changed), [ask(...requests)])
  const [first, ...more] = all
  if (!first) throw new Error('nothing was explained')
  return { decision, first, more }
}

function parts(request: { policies: { id: string; part: Part }[] }): Record<string, Part> {
  return Object.fromEntries(request.policies.map(({ id, part }) => [id, part]))
}

test('a permit that applies permits, one that does not is named as not matching', () => {
  const { decision, first } = explained(
    `${permitAll} @id("short") permit (principal, action, resource) when { context.ttl < 60 };`,
  )
  expect(decision).toEqual({ outcome: 'allowed' })
  expect(first).toMatchObject({ action: 'github.contents.read', outcome: 'allowed', implied: false })
  expect(first.resource).toBe('GithubRepository::"acme/web"')
  expect(parts(first)).toEqual({ all: 'permits', short: 'does_not_match' })
})

test('a permit is named even where a forbid wins', () => {
  const { decision, first } = explained(
    `${permitAll} @id("no") forbid (principal, action, resource) when { context.purpose == "fix a typo" };`,
  )
  expect(decision).toMatchObject({ outcome: 'denied', denials: [{ policies: ['no'] }] })
  expect(first.outcome).toBe('denied')
  expect(parts(first)).toEqual({ all: 'permits', no: 'forbids' })
})

test('where no policy permits, all are named as not matching', () => {
  const { decision, first } = explained(
    '@id("deploy") permit (principal, action in Mayfly::Action::"deploy", resource);',
  )
  expect(decision).toMatchObject({ outcome: 'denied', denials: [{ policies: [] }] })
  expect(parts(first)).toEqual({ deploy: 'does_not_match' })
})

test('an approval forbid asks until its group has said yes, and is named as given after', () => {
  const text = permitAll + gate('g', 'security')
  const asking = explained(text, [write])
  expect(asking.decision).toEqual({ outcome: 'pending_approval', approvals: ['security'] })
  expect(asking.first).toMatchObject({ outcome: 'pending_approval', approvals: ['security'] })
  expect(parts(asking.first)).toEqual({ all: 'permits', g: 'asks_approval' })

  const given = explained(text, [write], { approvals: ['security'] })
  expect(given.decision).toEqual({ outcome: 'allowed' })
  expect(parts(given.first)).toEqual({ all: 'permits', g: 'approved' })
})

test('an approval forbid that would not have applied is not named as given', () => {
  const text = permitAll + gate('g', 'security', 'when { context.ttl > 3600 }')
  expect(parts(explained(text, [write], { approvals: ['security'] }).first)).toMatchObject({
    g: 'does_not_match',
  })
})

test('each pair has its own outcome, those that are only included too', () => {
  const { first, more } = explained(permitAll + gate('g', 'security'), [write])
  expect(first).toMatchObject({ action: 'github.contents.write', outcome: 'pending_approval' })
  expect(more).toMatchObject([
    { action: 'github.contents.read', implied: true, outcome: 'allowed', approvals: [] },
  ])
})

test('an included action that no policy permits, and none forbids, is allowed', () => {
  const { decision, more } = explained(
    '@id("w") permit (principal, action in Mayfly::Action::"write", resource);',
    [write],
  )
  expect(decision).toEqual({ outcome: 'allowed' })
  expect(more).toMatchObject([{ implied: true, outcome: 'allowed' }])
  expect(parts(more[0]!)).toEqual({ w: 'does_not_match' })
})

test('a policy that fails to evaluate is named as failing, and denies', () => {
  const { decision, first } = explained(
    `${permitAll} @id("big") forbid (principal, action, resource) when { context.ttl * 9223372036854775807 > 1 };`,
  )
  expect(decision).toMatchObject({ outcome: 'denied', denials: [{ policies: ['big'] }] })
  expect(first.outcome).toBe('denied')
  expect(parts(first)).toEqual({ all: 'permits', big: 'fails' })
})

test('what the agent asks for counts as held', () => {
  const { first } = explained(
    `${permitAll} @id("both") forbid (principal, action, resource) when { context.held.containsAll(["write", "secrets"]) };`,
    [write],
    { held: ['secrets'] },
  )
  expect(parts(first)).toMatchObject({ both: 'forbids' })
})

test('policies of other agents are left out', () => {
  const { first } = explained(
    `${permitAll} @id("theirs") permit (principal == Mayfly::Agent::"other", action, resource);`,
  )
  expect(Object.keys(parts(first))).toEqual(['all'])
})

test('an agent that is not configured is denied without a policy', () => {
  const { decision, first } = explained(permitAll, [read], {
    agent: { name: 'nobody', owner: 'x', environment: 'y' },
  })
  expect(decision.outcome).toBe('denied')
  expect(first).toMatchObject({ outcome: 'denied', policies: [] })
})

test('explaining leaves the policies as they decide', () => {
  const policies = compiled(permitAll + gate('g', 'security'))
  const before = decided(policies, write)
  for (let round = 0; round < 3; round += 1) explain(policies, facts(), [ask(write)])
  expect(decided(policies, write)).toEqual(before)
})
