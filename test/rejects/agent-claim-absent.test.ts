import { expect, it } from 'vitest'
import { principal, ruleMatches } from '../support/principal.ts'

it.each([
  ['absent', {}],
  ['null', { environment: null }],
  ['an object', { environment: { name: 'prod' } }],
  ['an empty list', { environment: [] }],
  ['a list of null', { environment: [null] }],
  ['empty', { environment: '' }],
])('a claim that is %s matches nothing', (_what, claims) => {
  for (const wanted of ['*', 'null', 'undefined', '[object Object]', 'prod'])
    expect(ruleMatches({ claims: { environment: wanted } }, principal('x', claims))).toBe(false)
})
