import { describe, expect, it } from 'vitest'
import { matchRule, mayBothMatch } from '../../src/agents/match.ts'
import { principal, rule, ruleMatches } from '../support/principal.ts'

describe('a match rule', () => {
  it('needs its issuer, its subject and each of its claims', () => {
    const written = { subject: 'repo:acme/web:*', claims: { repository_id: '7', ref: 'main' } }
    const claims = { repository_id: '7', ref: 'main' }
    expect(ruleMatches(written, principal('repo:acme/web:x', claims))).toBe(true)
    expect(ruleMatches(written, principal('repo:acme/api:x', claims))).toBe(false)
    expect(ruleMatches(written, principal('repo:acme/web:x', { ...claims, ref: 'dev' }))).toBe(false)
    expect(ruleMatches(written, principal('repo:acme/web:x', claims, 'other'))).toBe(false)
  })

  it('compares a number or boolean by its JSON text, however the rule writes it', () => {
    for (const written of [7, '7']) {
      expect(ruleMatches({ claims: { id: written } }, principal('x', { id: 7 }))).toBe(true)
      expect(ruleMatches({ claims: { id: written } }, principal('x', { id: '7' }))).toBe(true)
    }
    expect(ruleMatches({ claims: { protected: true } }, principal('x', { protected: true }))).toBe(true)
    expect(ruleMatches({ claims: { protected: true } }, principal('x', { protected: false }))).toBe(false)
    expect(ruleMatches({ claims: { load: '1.5' } }, principal('x', { load: 1.5 }))).toBe(true)
  })

  it('matches a list of which one element does', () => {
    const groups = { claims: { groups: 'security' } }
    expect(ruleMatches(groups, principal('x', { groups: ['dev', 'security'] }))).toBe(true)
    expect(ruleMatches(groups, principal('x', { groups: ['dev'] }))).toBe(false)
    expect(ruleMatches(groups, principal('x', { groups: [['security'], { security: true }, null] }))).toBe(
      false,
    )
  })

  it('does not see claims that every object has', () => {
    expect(ruleMatches({ claims: { constructor: '*' } }, principal('x'))).toBe(false)
  })

  it('cannot be changed', () => {
    const compiled = rule({ subject: 'a', claims: { b: 'c' } })
    expect(() => Object.assign(compiled, { issuer: 'other' })).toThrow(TypeError)
    expect(() => (compiled.claims as unknown[]).pop()).toThrow(TypeError)
    expect(() => (compiled.subject!.literals as unknown[]).pop()).toThrow(TypeError)
  })

  it('is told from another by issuer, subject or a claim of both', () => {
    expect(mayBothMatch(rule({ subject: 'a' }), rule({ claims: { b: 'c' } }))).toBe(true)
    expect(mayBothMatch(rule({ subject: 'a' }), rule({ subject: 'b' }))).toBe(false)
    expect(mayBothMatch(rule({ claims: { b: 'c' } }), rule({ claims: { b: 'd' } }))).toBe(false)
    expect(mayBothMatch(rule({ subject: 'a' }), rule({ issuer: 'other', subject: 'a' }))).toBe(false)
    expect(mayBothMatch(rule({ subject: 'a' }), rule({ claims: { sub: 'b' } }))).toBe(false)
  })

  it('is not told from another by a claim that may be a list', () => {
    const groups = (group: string) => rule({ claims: { groups: group } })
    expect(mayBothMatch(groups('security'), groups('robots'))).toBe(true)
  })

  it.each([[{}], [{ claims: {} }]])('without subject and claims is refused: %j', (written) => {
    expect(matchRule.safeParse({ issuer: 'ci', ...written }).success).toBe(false)
  })
})

describe('alternatives', () => {
  const rule = { claims: { event_name: ['push', 'schedule'], ref: 'refs/heads/**' } }

  it('match where one of them does, and everything beside them', () => {
    const claims = (event_name: unknown, ref = 'refs/heads/main') => principal('x', { event_name, ref })
    expect(ruleMatches(rule, claims('push'))).toBe(true)
    expect(ruleMatches(rule, claims('schedule'))).toBe(true)
    expect(ruleMatches(rule, claims('pull_request'))).toBe(false)
    expect(ruleMatches(rule, claims(['pull_request', 'push']))).toBe(true)
    expect(ruleMatches(rule, claims('push', 'refs/tags/v1'))).toBe(false)
    expect(ruleMatches(rule, principal('x', { ref: 'refs/heads/main' }))).toBe(false)
  })
})

describe('claims inside objects', () => {
  const pod = principal('system:serviceaccount:prod:web', {
    'kubernetes.io': { namespace: 'prod', pod: { name: 'web-1', uid: 'u' } },
    realm_access: { roles: ['reader', 'deployer'] },
    '/kubernetes.io/namespace': 'forged',
  })

  it.each([
    [{ '/kubernetes.io/namespace': 'prod' }, true],
    [{ 'kubernetes.io': { namespace: 'prod', pod: { name: 'web-*' } } }, true],
    [{ realm_access: { roles: ['admin', 'deployer'] } }, true],
    [{ '/kubernetes.io/namespace': 'forged' }, false],
    [{ 'kubernetes.io': { namespace: 'prod', pod: { name: 'db-*' } } }, false],
    [{ '/kubernetes.io/pod': '*' }, false],
    [{ '/kubernetes.io/toString': '*' }, false],
  ])('%j: %s', (claims, expected) => {
    expect(ruleMatches({ claims }, pod)).toBe(expected)
  })
})
