import { statefulIsAuthorized } from '@cedar-policy/cedar-wasm/nodejs'
import { expect, test } from 'vitest'
import { loadPolicies, releasePolicies } from '../../src/policy/engine.ts'

const permit = new Map([['p', 'permit (principal, action, resource);']])
const any = { type: 'Any', id: 'any' }

/** The decision under a name, the policies' reasons, or `none` where the engine does not know the name. */
function under(name: string): string[] | 'none' {
  const answer = statefulIsAuthorized({
    principal: any,
    action: { type: 'Action', id: 'any' },
    resource: any,
    context: {},
    preparsedPolicySetId: name,
    entities: [],
  })
  return answer.type === 'failure'
    ? 'none'
    : [answer.response.decision, ...answer.response.diagnostics.reason]
}

test('names in use differ, and each means its own policies', () => {
  const one = loadPolicies(permit)
  const two = loadPolicies(new Map([['f', 'forbid (principal, action, resource);']]))
  expect(two).not.toBe(one)
  expect(under(one)).toEqual(['allow', 'p'])
  expect(under(two)).toEqual(['deny', 'f'])
  releasePolicies([one, two])
})

test('a name given back allows nothing', () => {
  const name = loadPolicies(permit)
  releasePolicies([name])
  expect(under(name)).toEqual(['deny'])
})

test('names given back are used again before new ones', () => {
  const names = [loadPolicies(permit), loadPolicies(permit), loadPolicies(permit)]
  releasePolicies(names)
  const again = [loadPolicies(permit), loadPolicies(permit), loadPolicies(permit)]
  expect(again.toSorted((a, b) => a.localeCompare(b))).toEqual(names.toSorted((a, b) => a.localeCompare(b)))
  expect(names).not.toContain(loadPolicies(permit))
})

test('policies that do not load cost no name', () => {
  const spare = loadPolicies(permit)
  releasePolicies([spare])
  expect(() => loadPolicies(new Map([['p', 'permit (']]))).toThrow('do not load')
  expect(loadPolicies(permit)).toBe(spare)
})
