/** Tools in policies: any name, in a group of their own, and none of the classes of credentials. */
import { describe, expect, it } from 'vitest'
import { decide } from '../../src/policy/decide.ts'
import { toolRequest } from '../../src/provider/tools.ts'
import { allowed, ask, compiled, facts, faultsIn, permitAll, wants } from '../support/policy.ts'

const call = (name: string, resource = name) => ask(toolRequest({ name, resource }))
const decided = (policies: string[], ...calls: ReturnType<typeof ask>[]) =>
  decide(compiled(...policies), facts(), calls).outcome

describe('a tool', () => {
  const one = '@id("one") permit (principal, action == Mayfly::Action::"tool.Bash", resource);'
  it('is named by whoever writes the policy', () => {
    expect(decided([one], call('Bash'))).toBe('allowed')
    expect(decided([one], call('bash'))).toBe('denied')
    expect(decided([one], call('Read'))).toBe('denied')
  })

  it('is one of all tools', () => {
    const all = '@id("all") permit (principal, action in Mayfly::Action::"tool", resource);'
    expect(decided([all], call('anything'))).toBe('allowed')
    expect(decided([all, one.replace('permit', 'forbid')], call('Bash'))).toBe('denied')
    expect(decided([all, one.replace('permit', 'forbid')], call('Read'))).toBe('allowed')
  })

  it('is in no class of credentials', () => {
    const classes = ['read', 'write', 'deploy', 'secrets', 'admin'].map((one) => `Mayfly::Action::"${one}"`)
    const every = `@id("every") permit (principal, action in [${classes.join(', ')}], resource);`
    expect(decided([every], call('Bash'))).toBe('denied')
    const exclusive = '@id("no") forbid (principal, action, resource) when { context.held.contains("tool") };'
    expect(
      decide(compiled(permitAll, exclusive), facts(), [call('Bash'), ask(wants('github.contents.read'))]),
    ).toEqual(allowed)
  })

  it('is in what stands before the first slash or space of its name', () => {
    const npm = '@id("npm") permit (principal, action, resource in Mayfly::Tool::"npm");'
    expect(decided([npm], call('publish', 'npm publish'))).toBe('allowed')
    expect(decided([npm], call('publish', 'npm'))).toBe('allowed')
    expect(decided([npm], call('publish', 'npmx publish'))).toBe('denied')
  })
})

it.each([
  ['the name of no tool', '"tool.*"', 'is the name of no tool'],
  ['no name at all', '"tool."', 'unrecognized action'],
  ['a misspelt group', '"tools"', 'unrecognized action'],
])('%s is a fault', (_what, name, message) => {
  const policy = `@id("p") permit (principal, action == Mayfly::Action::${name}, resource);`
  expect(
    faultsIn(policy)
      .map((fault) => fault.message)
      .join(),
  ).toContain(message)
})

it('a resource that no call can be of is a fault', () => {
  expect(faultsIn('@id("p") forbid (principal, action, resource == Mayfly::Tool::" npm");')).toMatchObject([
    { path: 'p', message: expect.stringContaining('no call can be of') },
  ])
})

it('the words of a call only forbid', () => {
  const policy = `@id("p") permit (principal, action == Mayfly::Action::"tool.Bash", resource)
    when { context.request.hasTag("command") && context.request.getTag("command") == "ls" };`
  expect(faultsIn(policy)).toMatchObject([
    { message: 'a permit reads context.request, which the caller chooses' },
  ])
})
