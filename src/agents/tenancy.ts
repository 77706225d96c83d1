/**
 * Issuers that sign for everyone. On these, anyone can have a token with almost
 * any claim: `ref: refs/heads/main` is true of a stranger's repository too. So a
 * rule must name whose workload it is, in text that no wildcard can stretch.
 */
import type { MatchRule } from './match.ts'

interface Tenancy {
  platform: string
  /** What a subject pattern looks like that names an organization or an id in full, before its first `*`. */
  subject: RegExp
  /** The same for the claims that do so. */
  claims: Record<string, RegExp>
  remedy: string
}

/** No wildcard anywhere: `acme`, not `acme*`. */
const whole = /^[^*]+$/
/** The organization up to its separator: `acme/web`, `acme/*`, not `acme*`. */
const owner = /^[^*/]+\//
/** A GitLab namespace is itself the organization, or a path under it. */
const namespace = /^[^*/]+(\/|$)/

const terraform: Tenancy = {
  platform: 'HCP Terraform',
  subject: /^organization:[^*:]+(:|$)/,
  claims: {
    terraform_organization_id: whole,
    terraform_organization_name: whole,
    terraform_project_id: whole,
    terraform_workspace_id: whole,
  },
  remedy: 'Name it in `terraform_organization_id`, or begin the subject with `organization:NAME:`.',
}

/**
 * By the exact issuer. Left out on purpose are claims that a stranger can bring
 * about: `job_workflow_ref` and GitLab's `ci_config_ref_uri` name whose workflow
 * runs, which may be anyone's to call; `actor`, `user_login` and their ids name
 * who set it off, who can be lured.
 */
const shared: ReadonlyMap<string, Tenancy> = new Map<string, Tenancy>([
  [
    'https://token.actions.githubusercontent.com',
    {
      platform: 'GitHub Actions',
      // `repo:OWNER/…`, or since July 2026 `repo:OWNER@ID/REPO@ID:…`, in which either id says enough.
      // The last form is that of customised subjects, which begin with a claim's name.
      subject:
        /^(repo|repository):[^*:/]+\/|^(repo|repository):[^:/]+@\d+\/|^(repo|repository):[^:/]+\/[^:/]+@\d+(:|$)|^(repository_owner|repository_owner_id|repository_id|enterprise|enterprise_id):[^*:]+(:|$)/,
      claims: {
        repository: owner,
        repository_id: whole,
        repository_owner: whole,
        repository_owner_id: whole,
        enterprise: whole,
        enterprise_id: whole,
      },
      remedy: 'Name it in `repository_owner_id` or `repository_id`, or begin the subject with `repo:OWNER/`.',
    },
  ],
  [
    'https://gitlab.com',
    {
      platform: 'GitLab.com',
      // A user who logs in has a number as subject.
      subject: /^project_path:[^*:/]+\/|^\d+$/,
      claims: { project_path: owner, project_id: whole, namespace_path: namespace, namespace_id: whole },
      remedy: 'Name it in `namespace_id` or `project_id`, or begin the subject with `project_path:GROUP/`.',
    },
  ],
  [
    'https://agent.buildkite.com',
    {
      platform: 'Buildkite',
      subject: /^organization:[^*:]+(:|$)/,
      claims: { organization_id: whole, organization_slug: whole, pipeline_id: whole },
      remedy: 'Name it in `organization_id`, or begin the subject with `organization:SLUG:`.',
    },
  ],
  ['https://app.terraform.io', terraform],
  ['https://app.eu.terraform.io', terraform],
  [
    'https://oidc.codefresh.io',
    {
      platform: 'Codefresh',
      subject: /^account:[^*:]+(:|$)/,
      claims: { account_id: whole, pipeline_id: whole },
      remedy: 'Begin the subject with `account:ID:`.',
    },
  ],
  [
    'https://oidc.vercel.com',
    {
      platform: 'Vercel',
      subject: /^owner:[^*:]+(:|$)/,
      claims: { owner: whole, owner_id: whole, project_id: whole },
      remedy: 'Name it in `owner_id`, or begin the subject with `owner:TEAM:`.',
    },
  ],
  [
    'https://api.pulumi.com/oidc',
    {
      platform: 'Pulumi Cloud',
      subject: /^pulumi:[^*:]+:org:[^*:]+(:|$)/,
      claims: { org: whole },
      remedy: 'Name it in `org`, or begin the subject with `pulumi:deploy:org:NAME:`.',
    },
  ],
  [
    'https://accounts.google.com',
    {
      platform: 'Google',
      subject: /^\d+$/,
      // Not `email`: an address can be given to someone else, and need not be Google's to give.
      claims: { hd: whole },
      remedy: "Name the organization in `hd`, or the account's number as the subject.",
    },
  ],
])

/**
 * What is wrong with `rule` if `issuer`, the URL, signs for everyone and the rule
 * names neither an organization nor an id of one literally.
 */
export function tenancyFault(
  issuer: string,
  rule: MatchRule,
): { message: string; remedy: string } | undefined {
  const tenancy = shared.get(issuer)
  if (!tenancy) return undefined
  const named =
    (rule.subject !== undefined && tenancy.subject.test(rule.subject.text)) ||
    // Each alternative must: a rule is as wide as its widest.
    rule.claims.some(({ name, patterns }) =>
      patterns.every(({ text }) =>
        name === 'sub'
          ? tenancy.subject.test(text)
          : Object.hasOwn(tenancy.claims, name) && tenancy.claims[name]!.test(text),
      ),
    )
  if (named) return undefined
  return {
    message: `${tenancy.platform} signs for everyone, and this rule names neither an organization nor an id of one without a wildcard`,
    remedy: tenancy.remedy,
  }
}
