import fc from 'fast-check'
import { expect, test } from 'vitest'
import { aws } from '../../providers/aws.ts'
import { requests } from '../../providers/aws/requests.ts'
import { compilePolicies } from '../../src/policy/compile.ts'
import { decide } from '../../src/policy/decide.ts'
import { bot, facts } from '../support/policy.ts'
import { deploys } from '../support/aws-sandbox.ts'

const one = (...texts: string[]) => fc.constantFrom(...texts)
const known = ['s3:a', 's3:b', 's3:c']
const set = fc.subarray(known).map((names) => JSON.stringify(names))

/** Conditions of every shape, whatever they do with what is asked. */
const { condition } = fc.letrec<{ condition: string; test: string }>((tie) => ({
  test: fc.oneof(
    one('true', 'false', 'context.ttl > 900', 'context.aws_actions.isEmpty()'),
    one(...known, '*').map((name) => `context.aws_actions.contains("${name}")`),
    fc
      .tuple(one('contains', 'containsAll', 'containsAny'), set)
      .map(([how, names]) => `context.aws_actions.${how === 'contains' ? 'containsAny' : how}(${names})`),
    { weight: 3, arbitrary: set.map((names) => `${names}.containsAll(context.aws_actions)`) },
    fc.tuple(set, one('==', '!=')).map(([names, op]) => `context.aws_actions ${op} ${names}`),
  ),
  condition: fc.oneof(
    { weight: 4, arbitrary: tie('test') },
    tie('condition').map((inner) => `!(${inner})`),
    fc.tuple(tie('condition'), one('&&', '||'), tie('condition')).map((parts) => `(${parts.join(' ')})`),
    fc
      .tuple(tie('condition'), tie('condition'), tie('condition'))
      .map(([a, b, c]) => `(if ${a} then ${b} else ${c})`),
  ),
}))

/** From less to more: each asks for what the one before it does, and for something else. */
const widening = fc
  .tuple(fc.shuffledSubarray(known, { minLength: 1 }), one('s3:*', 's3:?', 'all'))
  .map(([names, last]) => [
    ...names.map((_, count) => names.slice(0, count + 1)),
    last === 'all' ? undefined : [...names, last],
  ])

test('asking for more never turns denied into allowed', () => {
  const seen = { accepted: 0, narrower: 0 }
  const clauses = fc.array(fc.tuple(one('when', 'unless'), condition), { minLength: 1, maxLength: 2 })
  fc.assert(
    fc.property(one('permit', 'forbid'), clauses, widening, (effect, written, steps) => {
      const text = `@id("p") ${effect} (principal, action == Mayfly::Action::"aws.assume_role.deploy", resource)
        ${written.map(([kind, body]) => `${kind} { ${body} }`).join(' ')};
        ${effect === 'forbid' ? '@id("all") permit (principal, action, resource);' : ''}`
      const { policies } = compilePolicies([{ file: 'p.cedar', text }], {
        providers: [aws],
        upstreams: [],
        agents: [bot],
        approvers: new Set(),
      })
      if (!policies) return
      seen.accepted += 1
      const outcomes = steps.map((actions) => {
        const detail = actions ? { ...deploys, actions, resources: ['*'] } : deploys
        const asks = [
          { connection: 'prod', revocation: 'eventual' as const, requests: requests(detail, 'deploy') },
        ]
        return decide(policies, facts(), asks).outcome
      })
      const [first] = outcomes
      const from = outcomes.indexOf('denied')
      if (from >= 0) expect(outcomes.slice(from)).toEqual(outcomes.slice(from).map(() => 'denied'))
      if (first === 'allowed' && outcomes.at(-1) === 'denied') seen.narrower += 1
    }),
    { numRuns: 600 },
  )
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(0)
})
