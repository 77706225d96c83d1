/** Whoever an imported agent lets in, the trust policy lets in. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import { matches, matchRule } from '../../src/agents/match.ts'
import { translateAll } from '../../src/cli/import/translate-all.ts'
import { claimedPrincipal } from '../../src/identity/principal.ts'
import { actions, trustPolicies, trusts, type TrustPolicy } from '../support/trust-policies.ts'

const domain = 'mayfly.acme.dev'

/** Who an agent lets in, by the rules of all of its issuers. */
function imported(policies: Record<string, TrustPolicy>) {
  const found = Object.entries(policies).map(([identity, policy]) => ({
    file: identity,
    text: stringify(policy),
    place: { file: identity, owner: 'acme', repository: 'web', identity },
  }))
  const { imported: agents, listed } = translateAll(found, [], {
    issuers: new Map(),
    agents: new Set(),
    domain,
  })
  const letsIn = agents.map(({ place, rules }) => {
    const compiled = rules.flatMap((of) =>
      of.rules.map((rule) => ({ rule: matchRule.parse({ issuer: of.issuer, ...rule }), issuer: of.issuer })),
    )
    return {
      identity: place.identity,
      admits: (claims: Record<string, unknown>) => {
        const principal = claimedPrincipal(String(claims['iss']), claims)
        return compiled.some(({ rule }) => matches(rule, principal))
      },
    }
  })
  return { letsIn, listed }
}

/** What is near enough to a policy to be taken for it. */
const texts = Object.values(trustPolicies)
  .flatMap(({ subject = '', subject_pattern = '', claim_pattern = {} }) => [
    subject,
    subject_pattern,
    ...Object.values(claim_pattern).map(String),
  ])
  .flatMap((text) => [text.replaceAll('\\', ''), ...text.split(/[|()]/)])
const words = [
  'repo:acme/web',
  'repo:acme/api',
  'repo:acme@65/web@77',
  'repo:evil/web',
  ':ref:refs/heads/',
  ':ref:refs/tags/',
  ':environment:',
  ':pull_request',
  'main',
  'master',
  'release/',
  'hotfix/',
  '3.1/a',
  'v1',
  'v',
  'staging',
  'symbols',
  'acme/web',
  'acme/api',
  'acme/ci',
  '/.github/workflows/',
  'rel.yml',
  'rel_yml',
  'deploy.yaml',
  '@',
  'refs/heads/',
  'push',
  'schedule',
  'dependabot[bot]',
  'private',
  '65',
  '117',
  '*',
  '**',
  '/',
  ':',
  '\n',
  ' ',
  '',
]
const word = fc.constantFrom(...words)
const text = fc.oneof(
  fc.constantFrom(...texts),
  fc.array(word, { maxLength: 5 }).map((parts) => parts.join('')),
  fc.tuple(fc.constantFrom(...texts), word).map((parts) => parts.join('')),
)
const value = fc.oneof(
  { weight: 8, arbitrary: text },
  {
    weight: 1,
    arbitrary: fc.constantFrom<unknown>(true, false, 65, 117, null, ['push'], ['65'], { a: '65' }),
  },
)
const claims = fc.record(
  {
    iss: fc.constantFrom(
      actions,
      actions,
      actions,
      'https://accounts.google.com',
      'https://gitlab.com',
      'https://gitlab.acme.dev',
      'https://agent.buildkite.com',
      'https://evil.example',
    ),
    aud: fc.constantFrom<unknown>(domain, domain, [domain], 'octo-sts.dev', ['octo-sts.dev', domain]),
    sub: text.filter((sub) => sub !== ''),
    repository: value,
    repository_owner_id: value,
    repository_visibility: value,
    ref: value,
    job_workflow_ref: value,
    workflow_ref: value,
    project_path: value,
    ref_protected: value,
    pipeline_source: value,
    ci_config_ref_uri: value,
    event_name: value,
    actor: value,
    email: value,
    email_verified: value,
  },
  { requiredKeys: ['iss', 'aud', 'sub'] },
)

test('each shape is imported, or listed with the reason', () => {
  const { letsIn, listed } = imported(trustPolicies)
  expect(letsIn.length + listed.length).toBe(Object.keys(trustPolicies).length)
  expect(listed).toEqual([
    { file: 'merge-of-a-request', reason: expect.stringContaining('[0-9]+ is said by no wildcard') },
    { file: 'proposals', reason: expect.stringContaining('[0-9]+ is said by no wildcard') },
    { file: 'not-the-merge-queue', reason: expect.stringContaining('[^g] is any of many characters') },
    { file: 'versions-and-steps', reason: expect.stringContaining('subject_pattern: is more than 100') },
  ])
})

test('of 10,000 random tokens, whoever Mayfly lets in, the original lets in', () => {
  const { letsIn } = imported(trustPolicies)
  const admitted = new Map<string, number>()
  fc.assert(
    fc.property(claims, (token) => {
      for (const { identity, admits } of letsIn) {
        if (!admits(token)) continue
        admitted.set(identity, (admitted.get(identity) ?? 0) + 1)
        expect([identity, trusts(trustPolicies[identity]!, token, domain)]).toEqual([identity, true])
      }
    }),
    { numRuns: 10_000 },
  )
  // Else it would say nothing.
  expect(admitted.size).toBeGreaterThan(8)
})

const atom = fc.constantFrom(
  'a',
  'b',
  '/',
  ':',
  '.',
  '.+',
  '.*',
  '[^/]+',
  '[^:/]+',
  '[^:]*',
  '[ab]',
  '[a-c]?',
  'b?',
  String.raw`\.`,
  '(a|b)',
  '(a|/)?',
  '(?:ab|)',
  'a{2}',
  'b{0,2}',
  '|',
  '[^a]+',
  '(a|.+)',
  '^a',
  'a$',
  String.raw`[^\n]+`,
  '*',
)
const sample = fc
  .array(fc.constantFrom('a', 'b', 'c', '/', ':', '.', '\n', '*'), { maxLength: 6 })
  .map((parts) => parts.join(''))

test('nor does any expression grow by becoming patterns', () => {
  let compared = 0
  fc.assert(
    fc.property(
      fc.array(atom, { minLength: 1, maxLength: 5 }),
      fc.array(sample, { minLength: 20, maxLength: 20 }),
      (atoms, values) => {
        const pattern = atoms.join('')
        const policy = { issuer: 'https://any.example', subject_pattern: '.+', claim_pattern: { c: pattern } }
        const { letsIn } = imported({ p: { ...policy, permissions: { contents: 'read' } } })
        for (const { admits } of letsIn)
          for (const c of values)
            if (admits({ iss: policy.issuer, sub: 'x', aud: domain, c })) {
              compared += 1
              expect([pattern, c, new RegExp(`^(?:${pattern})$`).test(c)]).toEqual([pattern, c, true])
            }
      },
    ),
    { numRuns: 1500 },
  )
  expect(compared).toBeGreaterThan(100)
})

test.each([
  ['a star in a subject, which would be a wildcard', { subject: 'repo:acme/*' }],
  ['a class of characters', { subject_pattern: 'repo:acme/web:ref:refs/tags/v[0-9]+' }],
  ['what any tenant of GitHub has', { subject_pattern: '.+', claim_pattern: { ref: 'refs/heads/main' } }],
  ['every issuer', { issuer: undefined, issuer_pattern: 'https://.+', subject: 'x' }],
  ['a claim that would be a pointer', { subject: 'repo:acme/web:x', claim_pattern: { '/a': 'b' } }],
  ['upper and lower case alike', { subject_pattern: '(?i)repo:acme/web:x' }],
  ['what is not in front', { subject_pattern: 'repo:acme/web:(?=x).+' }],
  ['both forms of one key', { subject: 'repo:acme/web:x', subject_pattern: 'repo:acme/web:x' }],
  ['no permission at all', { subject: 'repo:acme/web:x', permissions: {} }],
  ['an unknown permission', { subject: 'repo:acme/web:x', permissions: { everything: 'write' } }],
  ['an unknown key', { subject: 'repo:acme/web:x', unless: 'x' }],
  ['repositories of an organization', { subject: 'repo:acme/web:x', repositories: ['api'] }],
])('%s is listed', (_what, policy) => {
  const { letsIn, listed } = imported({
    p: { issuer: actions, permissions: { contents: 'read' }, ...policy } as TrustPolicy,
  })
  expect(letsIn).toEqual([])
  expect(listed).toMatchObject([{ file: 'p', reason: expect.stringMatching(/./) }])
})
