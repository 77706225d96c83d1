import { expect, it } from 'vitest'
import { principal, ruleMatches } from '../support/principal.ts'

it('a subject or claim that is equal but for case does not match', () => {
  expect(ruleMatches({ subject: 'repo:acme/web:*' }, principal('repo:Acme/web:x'))).toBe(false)
  expect(ruleMatches({ claims: { owner: 'acme' } }, principal('x', { owner: 'ACME' }))).toBe(false)
  expect(ruleMatches({ claims: { owner: 'acme' } }, principal('x', { Owner: 'acme' }))).toBe(false)
})
