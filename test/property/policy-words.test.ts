import fc from 'fast-check'
import { expect, test } from 'vitest'
import { compiled, decided, faultsIn, permitAll, wants } from '../support/policy.ts'

const one = (...texts: string[]) => fc.constantFrom(...texts)

/** Conditions of every shape, whatever they do with the caller's words. */
const { condition } = fc.letrec<{ condition: string; test: string }>((tie) => ({
  test: one(
    'true',
    'false',
    'context.ttl > 900',
    'context.purpose == "a"',
    'context.purpose != "a"',
    'context.purpose like "*a*"',
    '["a", "b"].contains(context.purpose)',
    '["a"].containsAll([context.purpose])',
    'context.request.hasTag("k")',
    'context.request.hasTag("k") && context.request.getTag("k") == "a"',
    'context.request.hasTag("k") && context.request.getTag("k") != "a"',
    'context.request.hasTag("k") && context.request.getTag("k") like "b*"',
    'context.request.hasTag(principal.subject)',
    'context.request.hasTag(context.purpose)',
    '[context.request.hasTag("k")].contains(false)',
  ),
  condition: fc.oneof(
    { weight: 4, arbitrary: tie('test') },
    tie('condition').map((inner) => `!(${inner})`),
    fc.tuple(tie('condition'), one('&&', '||'), tie('condition')).map((parts) => `(${parts.join(' ')})`),
    fc
      .tuple(tie('condition'), one('==', '!='), tie('condition'))
      .map(([a, op, b]) => `((${a}) ${op} (${b}))`),
    fc
      .tuple(tie('condition'), tie('condition'), tie('condition'))
      .map(([a, b, c]) => `(if ${a} then ${b} else ${c})`),
  ),
}))

const words = fc.record({
  purpose: one('a', 'ab', 'b', 'subject'),
  request: fc.dictionary(one('k', 'subject', 'a'), one('a', 'b', 'ba'), {
    maxKeys: 3,
    noNullPrototype: true,
  }),
})

test('no word of the caller turns denied into allowed, compared with saying nothing', () => {
  const seen = { accepted: 0, narrowed: 0 }
  fc.assert(
    fc.property(
      fc.array(fc.tuple(one('when', 'unless'), condition), { minLength: 1, maxLength: 2 }),
      fc.array(words, { minLength: 1, maxLength: 8 }),
      fc.constantFrom(900, 901),
      (clauses, said, ttl) => {
        const forbid = `@id("f") forbid (principal, action, resource) ${clauses
          .map(([kind, body]) => `${kind} { ${body} }`)
          .join(' ')};`
        if (faultsIn(permitAll, forbid).length > 0) return
        seen.accepted += 1
        const policies = compiled(permitAll, forbid)
        const under = (changed: object) =>
          decided(policies, wants('github.contents.read'), {
            ttl,
            principal: { issuer: 'ci', subject: 'subject', claims: {} },
            ...changed,
          }).outcome
        // A purpose is always given: this one is what no policy here speaks of.
        const silent = under({ purpose: '-', request: {} })
        for (const each of said) {
          const outcome = under(each)
          if (silent === 'denied') expect(outcome).toBe('denied')
          else if (outcome === 'denied') seen.narrowed += 1
        }
      },
    ),
    { numRuns: 400 },
  )
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(0)
}, 120_000)
