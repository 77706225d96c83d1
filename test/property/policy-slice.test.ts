import { isAuthorized, type EntityJson } from '@cedar-policy/cedar-wasm/nodejs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { policySchema } from '../../src/policy/schema.ts'
import type { Facts } from '../../src/policy/decide.ts'
import type { AuthorizationRequest } from '../../src/provider/terms.ts'
import { agents, cloud, compiled, decided, facts, forge, forgeActions, wants } from '../support/policy.ts'

const one = (...texts: string[]) => fc.constantFrom(...texts)

// Scopes that match some of the agents, none of them, or all; conditions on claims that some policies read.
const principals = one(
  'principal',
  'principal == Mayfly::Agent::"bot"',
  'principal == Mayfly::Agent::"third"',
  'principal in Mayfly::Agent::"other"',
  'principal in Mayfly::Owner::"linus@acme.dev"',
  'principal in Mayfly::Owner::"bot"',
  'principal in Mayfly::Environment::"prod"',
  'principal is Mayfly::Agent',
  'principal is Mayfly::Agent in Mayfly::Environment::"dev"',
  'principal is Mayfly::Agent in Mayfly::Owner::"data@acme.dev"',
)
const actions = one(
  'action',
  'action in Mayfly::Action::"read"',
  'action in [Mayfly::Action::"write", Mayfly::Action::"secrets"]',
  'action == Mayfly::Action::"github.contents.write"',
)
const resources = one(
  'resource',
  'resource == Mayfly::GithubRepository::"acme/web"',
  'resource in Mayfly::GithubOwner::"acme"',
)
const conditions = one(
  '',
  'when { context.ttl > 1800 }',
  'when { principal in Mayfly::Owner::"linus@acme.dev" }',
  'when { principal.hasTag("ref") && principal.getTag("ref").contains("main") }',
  'when { principal.claims.hasTag("ref") && principal.claims.getTag("ref") like "ma*" }',
  'when { principal.hasTag(principal.subject) }',
  'unless { principal.claims.hasTag(principal.subject) }',
  'unless { principal.hasTag("actor") }',
  'when { context.ttl * 3074457345618258602 > 0 }',
  'when { context.purpose like "*deploy*" }',
  'unless { { here: context.depth }.here == 0 }',
  'when { context has ttl && context.held.contains("deploy") }',
  'when { context.request.hasTag("model") && context.request.getTag("model") == "big" }',
  'when { principal.subject == "ref" }',
  'when { [context.held].contains([context.class]) }',
)
const policy = fc
  .tuple(one('permit', 'permit', 'forbid'), principals, actions, resources, conditions)
  // What the caller says of itself may only forbid (invariant I11).
  .filter(([effect, , , , condition]) => effect === 'forbid' || !/purpose|request/.test(condition))

const situation = fc.record({
  agent: fc.constantFrom(...agents),
  ttl: fc.constantFrom(1, 900, 3600),
  purpose: one('deploy it', 'read it'),
  depth: fc.constantFrom(0, 1),
  request: fc.record({ model: one('big', 'small') }, { requiredKeys: [] }),
  claims: fc.record({ ref: one('main', 'topic'), actor: one('ann'), sub: one('s') }, { requiredKeys: [] }),
  subject: one('ref', 'nobody'),
  action: one(...Object.keys(forgeActions)),
  repository: one('acme/web', 'acme/infra', 'evil/web'),
})

/** What Cedar itself says, given the whole schema, every policy and every claim. */
function inFull(texts: string[], facts: Facts, request: AuthorizationRequest) {
  const uid = (type: string, id: string) => ({ type: `Mayfly::${type}`, id })
  const entities: EntityJson[] = [
    {
      uid: uid('Agent', facts.agent.name),
      attrs: {
        issuer: facts.principal.issuer,
        subject: facts.principal.subject,
        claims: { __entity: uid('Claims', 'claims') },
      },
      parents: [uid('Owner', facts.agent.owner), uid('Environment', facts.agent.environment)],
      tags: Object.fromEntries(
        Object.entries(facts.principal.claims).map(([name, claim]) => [name, [String(claim)]]),
      ),
    },
    {
      uid: uid('Claims', 'claims'),
      attrs: {},
      parents: [],
      tags: Object.fromEntries(
        Object.entries(facts.principal.claims).map(([name, claim]) => [name, String(claim)]),
      ),
    },
    { uid: uid('Request', 'request'), attrs: {}, parents: [], tags: facts.request },
    {
      uid: uid('GithubRepository', request.resource.id),
      attrs: {},
      parents: request.resource.parents.map(({ type, id }) => uid(type, id)),
    },
  ]
  const answer = isAuthorized({
    principal: uid('Agent', facts.agent.name),
    action: uid('Action', request.action),
    resource: uid('GithubRepository', request.resource.id),
    context: {
      purpose: facts.purpose,
      ttl: facts.ttl,
      environment: facts.agent.environment,
      class: request.class,
      revocation: 'immediate',
      approvals: [],
      connection: 'forge',
      depth: facts.depth,
      request: { __entity: uid('Request', 'request') },
      held: [request.class],
    },
    schema: policySchema([forge, cloud]).text,
    policies: { staticPolicies: Object.fromEntries(texts.map((text, at) => [`p${at}`, text])) },
    entities,
  })
  if (answer.type === 'failure') throw new Error(JSON.stringify(answer.errors))
  const { decision, diagnostics } = answer.response
  const errors = diagnostics.errors.map(({ policyId }) => policyId)
  return { decision, errors, forbidding: decision === 'deny' ? diagnostics.reason : [] }
}

test('an agent’s slice, and what it remembers, decides as the full set of policies does, and never allows where one fails', () => {
  const seen = { allowed: 0, forbidden: 0, failed: 0 }
  fc.assert(
    fc.property(
      fc.array(policy, { minLength: 1, maxLength: 8 }),
      fc.array(situation, { minLength: 1, maxLength: 6 }),
      (drawn, situations) => {
        const texts = drawn.map(
          ([effect, principal, action, resource, condition], at) =>
            `@id("p${at}") ${effect} (${principal}, ${action}, ${resource}) ${condition};`,
        )
        const policies = compiled(...texts)
        // Each twice, with the others in between: a verdict that is kept must be that of its own question.
        for (const { claims, subject, action, repository, ...said } of [...situations, ...situations]) {
          const changed = { ...said, principal: { issuer: 'ci', subject, claims } }
          const request = wants(action, repository)
          const full = inFull(texts, facts(changed), request)
          const decision = decided(policies, request, changed)
          const refusing = [...new Set([...full.errors, ...full.forbidding])].toSorted()
          if (full.decision === 'allow' && full.errors.length === 0) {
            seen.allowed += 1
            expect(decision).toEqual({ outcome: 'allowed' })
          } else {
            if (full.errors.length > 0) seen.failed += 1
            else if (full.forbidding.length > 0) seen.forbidden += 1
            expect(decision).toEqual({
              outcome: 'denied',
              denials: [{ action, resource: `GithubRepository::"${repository}"`, policies: refusing }],
            })
          }
        }
      },
    ),
    { numRuns: 150 },
  )
  // Otherwise the inputs drawn would have shown nothing.
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(0)
})
