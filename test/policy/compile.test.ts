import { expect, test } from 'vitest'
import { compilePolicies } from '../../src/policy/compile.ts'
import { agents, allowed, compiled, decided, faultsIn, forge, permitAll, wants } from '../support/policy.ts'

test('the policies of the design compile', () => {
  expect(
    faultsIn(`
      @id("refactor-bot-writes-web")
      permit (principal == Mayfly::Agent::"refactor-bot",
              action in [Mayfly::Action::"read", Mayfly::Action::"write"],
              resource == Mayfly::GithubRepository::"acme/web")
      when { context.ttl <= 1800 };

      @id("infra-needs-security")
      @approval("security")
      forbid (principal, action in Mayfly::Action::"write", resource == Mayfly::GithubRepository::"acme/infra")
      unless { context.approvals.contains("security") };

      @id("no-secrets-with-deploy")
      @description("one agent, one kind of power")
      forbid (principal, action, resource)
      when { context.held.containsAll(["deploy", "secrets"]) };`),
  ).toEqual([])
})

test('every fault of every file is found at once, each with its place and a remedy', () => {
  const faults = faultsIn(
    'permit (principal,',
    `${permitAll}\n\npermit (principal, action, resource);`,
    '@id("p") permit (principal, action, resource) when { context.purpose == "x" };\n' +
      '@id("q") permit (principal, action == Mayfly::Action::"nope", resource);',
  )
  expect(faults.map(({ file, path }) => `${file} ${path}`)).toEqual(
    expect.arrayContaining(['0.cedar line 1', '1.cedar line 3', '2.cedar p', '2.cedar q']),
  )
  for (const { message, remedy } of faults) {
    expect(message).not.toBe('')
    expect(remedy).toMatch(/^[A-Z].*[.!?]$/)
  }
})

test('one mistake in the context of many actions is one fault', () => {
  const faults = faultsIn('@id("p") permit (principal, action, resource) when { context.agent == "x" };')
  expect(faults).toMatchObject([{ path: 'p', message: expect.stringMatching(/`agent`.*\d+ actions more$/) }])
  const of = (actions: string) =>
    `@id("p") permit (principal, ${actions}, resource) when { context.agent == "x" };`
  const [alone] = faultsIn(of('action == Mayfly::Action::"github.contents.read"'))
  expect(alone!.message).toMatch(/github\.contents\.read" not found$/)
})

test('a policy without an id is found by its line, also after more than ten others', () => {
  const many = Array.from({ length: 12 }, (_, at) => `@id("p${at}") permit (principal, action, resource);`)
  many.splice(10, 0, 'permit (principal, action, resource);')
  expect(faultsIn(`// café\n${many.join('\n')}`)).toMatchObject([{ path: 'line 12' }])
})

test('no policies at all allow nothing', () => {
  expect(decided(compiled(), wants('github.contents.read'))).toMatchObject({ outcome: 'denied' })
})

test('policies that an older configuration compiled stay as they were', () => {
  const older = compiled('@id("r") permit (principal, action in Mayfly::Action::"read", resource);')
  const newer = compiled('@id("w") permit (principal, action in Mayfly::Action::"write", resource);')
  const read = wants('github.contents.read')
  expect(decided(older, read)).toEqual(allowed)
  expect(decided(newer, read)).toMatchObject({ outcome: 'denied' })
})

test('a fragment that makes no schema is a defect, not a fault of the operator', () => {
  const given = { agents, upstreams: [], approvers: new Set<string>() }
  expect(() => compilePolicies([], { ...given, providers: [forge, forge] })).toThrow(
    'the policy schema is wrong',
  )
  expect(() => compilePolicies([], { ...given, providers: [{ cedar: 'entity ;' }] })).toThrow(
    'the policy schema is wrong',
  )
})
