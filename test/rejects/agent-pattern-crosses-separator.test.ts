import { expect, it } from 'vitest'
import { principal, ruleMatches } from '../support/principal.ts'
import { loadAgent, onlyFault } from '../support/installation.ts'

it('a wildcard that would cross `:` or `/` does not match', () => {
  const rule = { subject: 'repo:acme/*:ref:main' }
  expect(ruleMatches(rule, principal('repo:acme/web:ref:main'))).toBe(true)
  expect(ruleMatches(rule, principal('repo:acme/web:environment:x:ref:main'))).toBe(false)
  expect(ruleMatches(rule, principal('repo:acme/web/evil:ref:main'))).toBe(false)
  expect(ruleMatches({ subject: '*' }, principal('a:b'))).toBe(false)
  expect(ruleMatches({ subject: '*' }, principal('a/b'))).toBe(false)
})

it('a pattern that looks as if it did is refused', async () => {
  const match = [{ issuer: 'okta', subject: 'team/**' }]
  expect(onlyFault(await loadAgent({ match })).path).toBe('match[0].subject')
})
