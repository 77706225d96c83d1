/** Trust policies of octo-sts in the shapes that public repositories have, and what they mean. */
export interface TrustPolicy {
  issuer?: string
  issuer_pattern?: string
  subject?: string
  subject_pattern?: string
  audience?: string
  audience_pattern?: string
  claim_pattern?: Record<string, string | number | boolean>
  permissions?: Record<string, string>
  repositories?: string[]
}

export const actions = 'https://token.actions.githubusercontent.com'
const web = 'repo:acme/web'
const read = { contents: 'read' }
const base = { issuer: actions, permissions: read }

export const trustPolicies: Record<string, TrustPolicy> = {
  'one-branch': { ...base, subject: `${web}:ref:refs/heads/main` },
  'pull-requests': { ...base, subject: `${web}:pull_request` },
  environments: { ...base, subject_pattern: `${web}:environment:(staging|production)` },
  branches: { ...base, subject_pattern: `${web}:ref:refs/heads/(main|release/.+)` },
  'every-branch': { ...base, subject_pattern: `^${web}:ref:refs/heads/.*$` },
  tags: { ...base, subject_pattern: `${web}:ref:refs/tags/v.+` },
  'whole-organization': { ...base, subject_pattern: 'repo:acme/[^/:]+:ref:refs/heads/main' },
  anything: { ...base, subject_pattern: `${web}:.*` },
  'two-repositories': {
    ...base,
    subject_pattern: 'repo:acme/(web|api):.+',
    claim_pattern: { repository: 'acme/(web|api)', ref: 'refs/heads/main' },
  },
  symbols: {
    ...base,
    subject: `${web}:environment:symbols`,
    claim_pattern: {
      ref: 'refs/heads/(master|hotfix/.+)',
      job_workflow_ref: String.raw`acme/web/\.github/workflows/rel\.yml@refs/heads/(master|hotfix/.+)`,
    },
  },
  'one-workflow': {
    ...base,
    subject_pattern: `${web}:.+`,
    claim_pattern: { job_workflow_ref: String.raw`acme/ci/.github/workflows/deploy\.yaml@.+` },
  },
  events: {
    ...base,
    subject: `${web}:ref:refs/heads/main`,
    claim_pattern: { event_name: 'push|schedule|workflow_dispatch' },
  },
  bots: {
    ...base,
    subject: `${web}:pull_request`,
    claim_pattern: { actor: String.raw`(?:dependabot|renovate)\[bot\]` },
  },
  'by-id': {
    ...base,
    subject_pattern: 'repo:acme/.+:ref:.+',
    claim_pattern: { repository_owner_id: 65, repository_visibility: 'private|internal' },
  },
  'either-form': {
    ...base,
    issuer_pattern: String.raw`https://token\.actions\.githubusercontent\.com`,
    subject_pattern: `repo:acme(@65)?/web(@77)?:ref:refs/heads/main`,
  },
  'service-account': {
    issuer: 'https://accounts.google.com',
    subject: '117',
    claim_pattern: { email: String.raw`bot@acme-prod\.iam\.gserviceaccount\.com`, email_verified: true },
    permissions: { contents: 'write', pull_requests: 'write' },
  },
  gitlab: {
    issuer: 'https://gitlab.com',
    subject: 'project_path:acme/web:ref_type:branch:ref:main',
    permissions: read,
  },
  'self-hosted-gitlab': {
    issuer: 'https://gitlab.acme.dev',
    subject_pattern: 'project_path:acme/apps/(web|api):ref_type:(branch|tag):ref:.*',
    claim_pattern: {
      project_path: 'acme/apps/(web|api)',
      ref_protected: 'true',
      pipeline_source: '(web|schedule|push|tag)',
      ci_config_ref_uri: 'gitlab.acme.dev/acme/apps/web//.gitlab-ci.yml@refs/heads/.+',
    },
    permissions: read,
  },
  'branch-or-request': {
    ...base,
    subject_pattern: `${web}:(ref:refs/heads/(main|queue-main-.*)|pull_request)`,
    claim_pattern: { event_name: '(push|pull_request)', ref: '.+' },
    permissions: { security_events: 'write', contents: 'read' },
  },
  'branch-or-tag': {
    ...base,
    subject_pattern: `${web}:ref:refs/(heads/main|tags/.*)`,
    claim_pattern: {
      ref: 'refs/(heads/main|tags/.*)',
      job_workflow_ref: 'acme/web/.github/workflows/release.yml@refs/(heads/main|tags/.*)',
    },
  },
  'several-repositories': {
    ...base,
    subject_pattern: 'repo:acme/(web|api|system-tests):(pull_request|ref:refs/heads/(main|master))',
    claim_pattern: { event_name: '(pull_request_target|push|schedule|workflow_dispatch)' },
    permissions: { members: 'read' },
  },
  'escaped-slash': { ...base, subject_pattern: String.raw`repo:acme\/web:environment:(sandbox|prod)` },
  'immutable-ids': {
    ...base,
    subject_pattern: 'repo:acme@65/web@77:ref:refs/heads/main',
    claim_pattern: { workflow_ref: String.raw`acme/web/\.github/workflows/smoke\.yaml@.*` },
    permissions: { metadata: 'read' },
  },
  'release-lines': {
    ...base,
    subject: `${web}:environment:npm`,
    claim_pattern: {
      ref: String.raw`refs/heads/(v[3456]\.x|master)`,
      job_workflow_ref: String.raw`acme/web/\.github/workflows/release\.yml@refs/heads/(v[3456]\.x|master)`,
    },
  },
  'several-bots': {
    ...base,
    subject: `${web}:pull_request`,
    claim_pattern: { actor: String.raw`(dependabot\[bot\]|acme-sts\[bot\])`, event_name: 'pull_request' },
    permissions: { contents: 'write', workflows: 'write' },
  },
  'merge-of-a-request': {
    ...base,
    subject: `${web}:pull_request`,
    claim_pattern: { ref: 'refs/pull/[0-9]+/merge' },
  },
  proposals: { ...base, subject_pattern: String.raw`${web}:ref:refs/heads/v[0-9]+\.[0-9]+\.[0-9]+-proposal` },
  'not-the-merge-queue': {
    ...base,
    subject_pattern: `${web}:ref:refs/heads/.+`,
    claim_pattern: { ref: 'refs/heads/([^g]|g[^h]|gh[^-]|gh-[^r]).*/.+' },
  },
  'versions-and-steps': {
    issuer: 'https://agent.buildkite.com',
    subject_pattern: 'organization:acme:pipeline:web:ref:refs/heads/main:commit:[0-9a-f]{2,3}:step:[^:]+',
    permissions: read,
  },
}
delete trustPolicies['either-form']!.issuer

/**
 * As octo-sts holds a token against a policy (trust_policy.go): claims are text or booleans, patterns
 * match the whole. It compares less than that where a pattern has alternatives that are not in brackets.
 */
export function trusts(policy: TrustPolicy, claims: Record<string, unknown>, domain: string): boolean {
  const whole = (pattern: unknown, text: unknown) =>
    typeof text === 'string' && new RegExp(`^(?:${String(pattern)})$`).test(text)
  const either = (key: 'issuer' | 'subject' | 'audience', values: unknown[]) => {
    const [exact, pattern] = [policy[key], policy[`${key}_pattern`]]
    if (exact !== undefined) return values.includes(exact)
    return pattern !== undefined && values.some((value) => whole(pattern, value))
  }
  const audiences = [claims['aud']].flat()
  const forIt =
    policy.audience === undefined && policy.audience_pattern === undefined
      ? audiences.includes(domain)
      : either('audience', audiences)
  return (
    either('issuer', [claims['iss']]) &&
    either('subject', [claims['sub']]) &&
    forIt &&
    Object.entries(policy.claim_pattern ?? {}).every(([name, pattern]) => {
      const claim = claims[name]
      return whole(pattern, typeof claim === 'boolean' ? String(claim) : claim)
    })
  )
}
