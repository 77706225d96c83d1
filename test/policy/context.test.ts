import { expect, test } from 'vitest'
import { decide, type Facts } from '../../src/policy/decide.ts'
import type { Revocation } from '../../src/provider/terms.ts'
import { agents, allowed, ask, compiled, decided, facts, permitAll, wants } from '../support/policy.ts'

const read = wants('github.contents.read')

/** Whether a forbid with this condition hits. */
function forbids(condition: string, changed: Partial<Facts> = {}, requests = [read]): boolean {
  const policies = compiled(permitAll, `@id("f") forbid (principal, action, resource) when { ${condition} };`)
  return decided(policies, requests, changed).outcome === 'denied'
}

test.each<[string, Partial<Facts>]>([
  ['context.purpose == "mine bitcoin"', { purpose: 'mine bitcoin' }],
  ['context.ttl > 3600', { ttl: 3601 }],
  ['context.depth > 1', { depth: 2 }],
  ['context.environment == "prod"', { agent: agents[1]! }],
  ['principal in Mayfly::Environment::"prod"', { agent: agents[1]! }],
  ['principal in Mayfly::Owner::"data@acme.dev"', { agent: agents[2]! }],
  ['principal.issuer == "lab"', { principal: { issuer: 'lab', subject: 's', claims: {} } }],
  ['principal.subject == "s"', { principal: { issuer: 'ci', subject: 's', claims: {} } }],
  ['context.request.hasTag("model") && context.request.getTag("model") == "m"', { request: { model: 'm' } }],
  ['context.held.contains("secrets")', { held: ['secrets'] }],
])('a policy sees %s', (condition, changed) => {
  expect(forbids(condition)).toBe(false)
  expect(forbids(condition, changed)).toBe(true)
})

test('context.class is the class of the action evaluated, of an implied one too', () => {
  const write = wants('github.contents.write', 'acme/web', ['github.contents.read'])
  expect(forbids('context.class == "write"', {}, [write])).toBe(true)
  expect(forbids('context.class == "read"', {}, [write])).toBe(true)
  expect(forbids('context.class == "secrets"', {}, [write])).toBe(false)
})

test('context.held includes the classes of everything asked at once', () => {
  const both = 'context.held.containsAll(["deploy", "secrets"])'
  const deploy = wants('github.actions.write')
  const secrets = wants('github.secrets.write')
  expect(forbids(both, {}, [deploy])).toBe(false)
  expect(forbids(both, {}, [deploy, secrets])).toBe(true)
  expect(forbids(both, { held: ['secrets'] }, [deploy])).toBe(true)
})

test('context.revocation is that of the detail asked', () => {
  const policies = compiled(
    permitAll,
    '@id("f") forbid (principal, action, resource) when { context.revocation == "expiry" };',
  )
  const asking = (revocation: Revocation) => decide(policies, facts(), [{ ...ask(read), revocation }])
  expect(asking('immediate')).toEqual(allowed)
  expect(asking('expiry')).toMatchObject({ outcome: 'denied' })
})
