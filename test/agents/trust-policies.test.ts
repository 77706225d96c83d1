/**
 * What trust policies of public repositories say in regular expressions, as rules of an agent. The
 * expressions are the oracle: of each token both have to say the same.
 */
import { describe, expect, it } from 'vitest'
import { matches, matchRule } from '../../src/agents/match.ts'
import { claimedPrincipal } from '../../src/identity/principal.ts'

interface TrustPolicy {
  subject?: string
  subject_pattern?: string
  claim_pattern?: Record<string, string>
}
type Token = Record<string, string>

interface Shape {
  policy: TrustPolicy
  rules: object[]
  yes: Token[]
  no: Token[]
}

const subject = (...subs: string[]): Token[] => subs.map((sub) => ({ sub }))
const web = 'repo:acme/web'
const workflows = 'acme/web/.github/workflows'

const shapes: Record<string, Shape> = {
  'one branch of one repository': {
    policy: { subject: `${web}:ref:refs/heads/main` },
    rules: [{ subject: `${web}:ref:refs/heads/main` }],
    yes: subject(`${web}:ref:refs/heads/main`),
    no: subject(`${web}:ref:refs/heads/main2`, `${web}:pull_request`, 'repo:acme/web2:ref:refs/heads/main'),
  },
  'its pull requests': {
    policy: { subject: `${web}:pull_request` },
    rules: [{ subject: `${web}:pull_request` }],
    yes: subject(`${web}:pull_request`),
    no: subject(`${web}:ref:refs/heads/main`, `${web}:pull_request:x`),
  },
  'an environment': {
    policy: { subject: `${web}:environment:production` },
    rules: [{ subject: `${web}:environment:production` }],
    yes: subject(`${web}:environment:production`),
    no: subject(`${web}:environment:production-eu`, `${web}:environment:staging`),
  },
  'several environments': {
    policy: { subject_pattern: `${web}:environment:(staging|production)` },
    rules: [{ subject: `${web}:environment:staging` }, { subject: `${web}:environment:production` }],
    yes: subject(`${web}:environment:staging`, `${web}:environment:production`),
    no: subject(`${web}:environment:dev`),
  },
  'main and branches of any depth': {
    policy: { subject_pattern: `${web}:ref:refs/heads/(main|release/.+)` },
    rules: [{ subject: `${web}:ref:refs/heads/main` }, { subject: `${web}:ref:refs/heads/release/**` }],
    yes: subject(`${web}:ref:refs/heads/main`, `${web}:ref:refs/heads/release/3.1/a/b/c`),
    no: subject(`${web}:ref:refs/heads/release`, `${web}:ref:refs/heads/releases/1`),
  },
  'every branch': {
    policy: { subject_pattern: `${web}:ref:refs/heads/.+` },
    rules: [{ subject: `${web}:ref:refs/heads/**` }],
    yes: subject(`${web}:ref:refs/heads/main`, `${web}:ref:refs/heads/a/b`),
    no: subject(`${web}:ref:refs/tags/v1`, `${web}:pull_request`),
  },
  'tags of versions': {
    policy: { subject_pattern: `${web}:ref:refs/tags/v.+` },
    rules: [{ subject: `${web}:ref:refs/tags/v**` }],
    yes: subject(`${web}:ref:refs/tags/v1.2.3`, `${web}:ref:refs/tags/v1/rc`),
    no: subject(`${web}:ref:refs/tags/1.2.3`, `${web}:ref:refs/heads/v1`),
  },
  'main of every repository of an organization': {
    policy: { subject_pattern: 'repo:acme/[^/:]+:ref:refs/heads/main' },
    rules: [{ subject: 'repo:acme/*:ref:refs/heads/main' }],
    yes: subject(`${web}:ref:refs/heads/main`, 'repo:acme/api:ref:refs/heads/main'),
    no: subject('repo:acme-evil/web:ref:refs/heads/main', 'repo:acme/web:ref:refs/heads/x'),
  },
  'repositories with a prefix': {
    policy: { subject_pattern: 'repo:acme/terraform-[^/:]+:ref:refs/heads/main' },
    rules: [{ subject: 'repo:acme/terraform-*:ref:refs/heads/main' }],
    yes: subject('repo:acme/terraform-aws:ref:refs/heads/main'),
    no: subject('repo:acme/aws-terraform:ref:refs/heads/main', 'repo:acme/terraform-:ref:refs/heads/main'),
  },
  'two repositories': {
    policy: { claim_pattern: { repository: 'acme/(web|api)', ref: 'refs/heads/main' } },
    rules: [{ claims: { repository: ['acme/web', 'acme/api'], ref: 'refs/heads/main' } }],
    yes: [{ repository: 'acme/api', ref: 'refs/heads/main' }],
    no: [{ repository: 'acme/docs', ref: 'refs/heads/main' }, { repository: 'acme/api' }],
  },
  'an environment, its branches and its workflow': {
    policy: {
      subject: `${web}:environment:symbols`,
      claim_pattern: {
        ref: 'refs/heads/(master|hotfix/.+)',
        job_workflow_ref: String.raw`acme/web/\.github/workflows/rel\.yml@refs/heads/(master|hotfix/.+)`,
      },
    },
    rules: [
      {
        subject: `${web}:environment:symbols`,
        claims: {
          ref: ['refs/heads/master', 'refs/heads/hotfix/**'],
          job_workflow_ref: [
            `${workflows}/rel.yml@refs/heads/master`,
            `${workflows}/rel.yml@refs/heads/hotfix/**`,
          ],
        },
      },
    ],
    yes: ['master', 'hotfix/1', 'hotfix/3.1/a/b/c'].map((branch) => ({
      sub: `${web}:environment:symbols`,
      ref: `refs/heads/${branch}`,
      job_workflow_ref: `${workflows}/rel.yml@refs/heads/${branch}`,
    })),
    no: [
      ['symbols', 'main', 'rel.yml'],
      ['symbols', 'hotfix', 'rel.yml'],
      ['other', 'master', 'rel.yml'],
      ['symbols', 'master', 'rel_yml'],
    ].map(([environment, branch, file]) => ({
      sub: `${web}:environment:${environment}`,
      ref: `refs/heads/${branch}`,
      job_workflow_ref: `${workflows}/${file}@refs/heads/${branch}`,
    })),
  },
  'one workflow, at any version of it': {
    policy: {
      subject_pattern: `${web}:.+`,
      claim_pattern: { job_workflow_ref: String.raw`acme/ci/\.github/workflows/deploy\.yaml@.+` },
    },
    rules: [
      {
        claims: { repository: 'acme/web', job_workflow_ref: 'acme/ci/.github/workflows/deploy.yaml@**' },
      },
    ],
    yes: [
      {
        sub: `${web}:pull_request`,
        repository: 'acme/web',
        job_workflow_ref: 'acme/ci/.github/workflows/deploy.yaml@refs/tags/v2',
      },
    ],
    no: [
      {
        sub: `${web}:pull_request`,
        repository: 'acme/web',
        job_workflow_ref: 'evil/ci/.github/workflows/deploy.yaml@refs/tags/v2',
      },
    ],
  },
  'what set it off': {
    policy: {
      subject: `${web}:ref:refs/heads/main`,
      claim_pattern: { event_name: 'push|schedule|workflow_dispatch' },
    },
    rules: [
      {
        subject: `${web}:ref:refs/heads/main`,
        claims: { event_name: ['push', 'schedule', 'workflow_dispatch'] },
      },
    ],
    yes: [{ sub: `${web}:ref:refs/heads/main`, event_name: 'schedule' }],
    no: [{ sub: `${web}:ref:refs/heads/main`, event_name: 'pull_request_target' }, { event_name: 'push' }],
  },
  'a bot that opens pull requests': {
    policy: {
      subject: `${web}:pull_request`,
      claim_pattern: { actor: String.raw`(dependabot|renovate)\[bot\]` },
    },
    rules: [{ subject: `${web}:pull_request`, claims: { actor: ['dependabot[bot]', 'renovate[bot]'] } }],
    yes: [{ sub: `${web}:pull_request`, actor: 'renovate[bot]' }],
    no: [
      { sub: `${web}:pull_request`, actor: 'renovatebot' },
      { sub: `${web}:pull_request`, actor: 'eve' },
    ],
  },
  'private repositories of an organization, by id': {
    policy: { claim_pattern: { repository_owner_id: '65', repository_visibility: 'private|internal' } },
    rules: [{ claims: { repository_owner_id: 65, repository_visibility: ['private', 'internal'] } }],
    yes: [{ repository_owner_id: '65', repository_visibility: 'private' }],
    no: [
      { repository_owner_id: '65', repository_visibility: 'public' },
      { repository_owner_id: '655', repository_visibility: 'private' },
    ],
  },
  'either form of a subject, by the repository’s id': {
    policy: {
      subject_pattern: `repo:acme(@65)?/web(@77)?:ref:refs/heads/main`,
      claim_pattern: { repository_id: '77' },
    },
    rules: [{ claims: { repository_id: '77', ref: 'refs/heads/main' } }],
    yes: ['repo:acme/web', 'repo:acme@65/web@77'].map((begin) => ({
      sub: `${begin}:ref:refs/heads/main`,
      ref: 'refs/heads/main',
      repository_id: '77',
    })),
    no: [
      { sub: `${web}:ref:refs/heads/main`, ref: 'refs/heads/main', repository_id: '78' },
      { sub: `${web}:ref:refs/heads/x`, ref: 'refs/heads/x', repository_id: '77' },
    ],
  },
  'a service account of a cloud': {
    policy: {
      subject: '117',
      claim_pattern: { email: String.raw`bot@acme-prod\.iam\.gserviceaccount\.com` },
    },
    rules: [{ subject: '117', claims: { email: 'bot@acme-prod.iam.gserviceaccount.com' } }],
    yes: [{ sub: '117', email: 'bot@acme-prod.iam.gserviceaccount.com' }],
    no: [{ sub: '118', email: 'bot@acme-prod.iam.gserviceaccount.com' }],
  },
  'a project of GitLab, and a pipeline of Buildkite': {
    policy: {
      subject_pattern:
        'project_path:acme/web:ref_type:branch:ref:main|organization:acme:pipeline:web:ref:refs/heads/main:commit:[0-9a-f]+:step:[a-z-]+',
    },
    rules: [
      { subject: 'project_path:acme/web:ref_type:branch:ref:main' },
      { subject: 'organization:acme:pipeline:web:ref:refs/heads/main:commit:*:step:*' },
    ],
    yes: subject(
      'project_path:acme/web:ref_type:branch:ref:main',
      'organization:acme:pipeline:web:ref:refs/heads/main:commit:beef:step:build',
    ),
    no: subject(
      'project_path:acme/web:ref_type:tag:ref:main',
      'organization:acme:pipeline:web:ref:refs/heads/x:commit:beef:step:build',
    ),
  },
}

/** As such services hold a token against a trust policy: a pattern has to match the whole of a claim. */
function trusts({ subject: exact, subject_pattern, claim_pattern = {} }: TrustPolicy, token: Token): boolean {
  const whole = (pattern: string, text = '') => new RegExp(`^(?:${pattern})$`).test(text)
  return (
    (exact === undefined || token['sub'] === exact) &&
    (subject_pattern === undefined || whole(subject_pattern, token['sub'])) &&
    Object.entries(claim_pattern).every(([name, pattern]) => whole(pattern, token[name]))
  )
}

describe.each(Object.entries(shapes))('%s', (_name, { policy, rules, yes, no }) => {
  const compiled = rules.map((rule) => matchRule.parse({ issuer: 'ci', ...rule }))
  const fits = (token: Token) => {
    const principal = claimedPrincipal('ci', token)
    return compiled.some((rule) => matches(rule, principal))
  }

  it.each(yes)('%j is let in', (token) => {
    expect({ rule: fits(token), policy: trusts(policy, token) }).toEqual({ rule: true, policy: true })
  })

  it.each(no)('%j is not', (token) => {
    expect({ rule: fits(token), policy: trusts(policy, token) }).toEqual({ rule: false, policy: false })
  })
})
