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

it('a doubled one crosses `/`, and `:` no more than a single one does', () => {
  const rule = { subject: 'repo:acme/web:ref:**' }
  expect(ruleMatches(rule, principal('repo:acme/web:ref:refs/heads/hotfix/3.1'))).toBe(true)
  expect(ruleMatches(rule, principal('repo:acme/web:ref:refs/heads/x:environment:prod'))).toBe(false)
})

it('a wildcard of three stars is none', async () => {
  const match = [{ issuer: 'okta', subject: 'team/***' }]
  expect(onlyFault(await loadAgent({ match })).path).toBe('match[0].subject')
})
