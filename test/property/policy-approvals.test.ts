import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compiled, decided, wants } from '../support/policy.ts'

const groups = ['security', 'platform', 'legal']
const scope = fc.constantFrom(
  'action',
  'action in Mayfly::Action::"read"',
  'action in Mayfly::Action::"write"',
)
const policy = fc.oneof(
  fc.tuple(scope).map(([action]) => `permit (principal, ${action}, resource);`),
  fc
    .tuple(scope, fc.constantFrom(...groups))
    .map(
      ([action, group]) =>
        `@approval("${group}") forbid (principal, ${action}, resource) unless { context.approvals.contains("${group}") };`,
    ),
  fc.tuple(scope).map(([action]) => `forbid (principal, ${action}, resource) when { context.ttl > 900 };`),
)
const requests = fc.constantFrom(
  [wants('github.contents.read')],
  [wants('github.contents.write', 'acme/web', ['github.contents.read'])],
  [wants('github.contents.read'), wants('github.contents.write')],
)

test('the approvals asked are enough, each of them is needed, and more approvals never take anything away', () => {
  const seen = { allowed: 0, pending_approval: 0, denied: 0 }
  fc.assert(
    fc.property(
      fc.array(policy, { maxLength: 6 }),
      requests,
      fc.subarray(groups),
      fc.constantFrom(900, 901),
      (drawn, requested, approvals, ttl) => {
        const policies = compiled(drawn.map((text, at) => `@id("p${at}") ${text}`).join('\n'))
        const under = (given: string[]) => decided(policies, [...requested], { approvals: given, ttl })
        const decision = under(approvals)
        seen[decision.outcome] += 1
        if (decision.outcome === 'pending_approval') {
          const asked = decision.approvals
          expect(asked.filter((group) => approvals.includes(group))).toEqual([])
          expect(under([...approvals, ...asked])).toEqual({ outcome: 'allowed' })
          for (const left of asked) {
            const others = asked.filter((group) => group !== left)
            expect(under([...approvals, ...others])).toEqual({
              outcome: 'pending_approval',
              approvals: [left],
            })
          }
        } else {
          expect(under(groups)).toMatchObject({ outcome: decision.outcome })
        }
      },
    ),
    { numRuns: 100 },
  )
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(0)
})
