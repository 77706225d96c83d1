/**
 * Platforms whose tokens are known, as data: who issues them, which claims name the tenant,
 * and which one session, be it one run of a job or one session of a cloud agent. An issuer
 * takes them from its `preset`, or from the platform whose issuer it is; what its entry says
 * itself comes first (docs/decisions/0025).
 */

/** How a tenant of an issuer that signs for many is named, in text that no wildcard can stretch. */
export interface Tenancy {
  /** What a subject pattern looks like that names a tenant, or an id of one, in full. */
  readonly subject?: RegExp
  /** The same for the claims that do so. */
  readonly claims: Readonly<Record<string, RegExp>>
  /** What to do about a rule that names none. */
  readonly remedy: string
}

export interface Platform {
  /** The name of its preset, where it has one. */
  readonly preset?: string
  readonly name: string
  /** Its one issuer, where there is one for everybody. */
  readonly url?: string
  /** The URLs of its issuers. Undefined where anybody runs one of their own. */
  readonly issuer?: RegExp
  /** Claims that only its tokens have together: its installations elsewhere are known by them. */
  readonly marks?: readonly string[]
  /** `single` where each tenant has an issuer of its own. */
  readonly tenancy: 'single' | Tenancy
  /** Those that a token lacks are left out. A name that begins with `/` is a JSON Pointer (RFC 6901). */
  readonly session?: readonly string[]
  /** Where a workload cannot get a fresh token for each task: what stands in for single use is a short age. */
  readonly reused?: { readonly maxAge: number }
  readonly algorithms?: readonly ('RS256' | 'ES256' | 'ES384' | 'EdDSA')[]
}

/** No wildcard anywhere: `acme`, not `acme*`. */
const whole = /^[^*]+$/
/** The organization up to its separator: `acme/web`, `acme/*`, not `acme*`. */
const owner = /^[^*/]+\//
/** A GitLab namespace is itself the organization, or a path under it. */
const namespace = /^[^*/]+(\/|$)/

/** Seconds: an hour is the life of most tokens that a job or a pod gets once. */
const anHour = { maxAge: 3600 }

/**
 * Left out on purpose are claims that a stranger can bring about: `job_workflow_ref` and
 * GitLab's `ci_config_ref_uri` name whose workflow runs, which may be anyone's to call;
 * `actor`, `user_login` and their ids name who set it off, who can be lured.
 */
const actions = {
  url: 'https://token.actions.githubusercontent.com',
  issuer: /^https:\/\/token\.actions\.githubusercontent\.com(\/|$)|^https:\/\/[^/]+\/_services\/token$/,
  tenancy: {
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
  session: ['run_id', 'run_attempt', 'check_run_id'],
} satisfies Partial<Platform>

/** Each with where its claims are documented. */
export const platforms: readonly Platform[] = [
  {
    // https://docs.github.com/actions/reference/security/oidc; Enterprise Server has no `check_run_id` yet.
    preset: 'github-actions',
    name: 'GitHub Actions',
    ...actions,
    marks: ['run_id', 'run_attempt', 'repository_id'],
  },
  // GitHub's cloud agent runs as a job of Actions in the environment `copilot`.
  { preset: 'copilot', name: 'GitHub Copilot', ...actions },
  {
    // https://docs.gitlab.com/ci/secrets/id_token_authentication/: one token for the job.
    preset: 'gitlab',
    name: 'GitLab',
    url: 'https://gitlab.com',
    issuer: /^https:\/\/gitlab\.com$/,
    marks: ['pipeline_id', 'job_id', 'namespace_id'],
    tenancy: {
      // A user who logs in has a number as subject.
      subject: /^project_path:[^*:/]+\/|^\d+$/,
      claims: { project_path: owner, project_id: whole, namespace_path: namespace, namespace_id: whole },
      remedy: 'Name it in `namespace_id` or `project_id`, or begin the subject with `project_path:GROUP/`.',
    },
    session: ['pipeline_id', 'job_id'],
    reused: anHour,
  },
  {
    // https://buildkite.com/docs/agent/cli/reference/oidc
    preset: 'buildkite',
    name: 'Buildkite',
    url: 'https://agent.buildkite.com',
    issuer: /^https:\/\/agent\.buildkite\.com$/,
    tenancy: {
      subject: /^organization:[^*:]+(:|$)/,
      claims: { organization_id: whole, organization_slug: whole, pipeline_id: whole },
      remedy: 'Name it in `organization_id`, or begin the subject with `organization:SLUG:`.',
    },
    session: ['job_id', 'build_number'],
  },
  {
    // https://circleci.com/docs/openid-connect-tokens/: one token for the job.
    preset: 'circleci',
    name: 'CircleCI',
    issuer: /^https:\/\/oidc\.circleci\.com\/org\/[^/]+$/,
    tenancy: 'single',
    session: ['oidc.circleci.com/pipeline-id'],
    reused: anHour,
  },
  {
    // https://support.atlassian.com/bitbucket-cloud/docs/integrate-pipelines-with-resource-servers-using-oidc/: one token for the step.
    preset: 'bitbucket',
    name: 'Bitbucket Pipelines',
    issuer: /^https:\/\/api\.bitbucket\.org\/2\.0\/workspaces\/[^/]+\/pipelines-config\/identity\/oidc$/,
    tenancy: 'single',
    session: ['pipelineUuid', 'stepUuid'],
    reused: anHour,
  },
  {
    // https://developer.hashicorp.com/terraform/cloud-docs/dynamic-provider-credentials/workload-identity-tokens: one token for the phase of a run.
    preset: 'hcp-terraform',
    name: 'HCP Terraform',
    url: 'https://app.terraform.io',
    issuer: /^https:\/\/app(\.eu)?\.terraform\.io$/,
    marks: ['terraform_run_id', 'terraform_workspace_id'],
    tenancy: {
      subject: /^organization:[^*:]+(:|$)/,
      claims: {
        terraform_organization_id: whole,
        terraform_organization_name: whole,
        terraform_project_id: whole,
        terraform_workspace_id: whole,
      },
      remedy: 'Name it in `terraform_organization_id`, or begin the subject with `organization:NAME:`.',
    },
    session: ['terraform_run_id'],
    reused: anHour,
  },
  {
    // https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/: the projected file keeps its token for most of its life.
    preset: 'kubernetes',
    name: 'Kubernetes',
    marks: ['/kubernetes.io/pod/uid'],
    tenancy: 'single',
    session: ['/kubernetes.io/pod/uid'],
    reused: anHour,
  },
  {
    // https://cloud.google.com/docs/authentication/get-id-token: the metadata server hands the same token out for an hour.
    preset: 'google',
    name: 'Google',
    url: 'https://accounts.google.com',
    issuer: /^https:\/\/accounts\.google\.com$/,
    tenancy: {
      subject: /^\d+$/,
      // Not `email`: an address can be given to someone else, and need not be Google's to give.
      claims: { hd: whole },
      remedy: "Name the organization in `hd`, or the account's number as the subject.",
    },
    reused: anHour,
  },
  {
    // https://docs.aws.amazon.com/STS/latest/APIReference/API_GetWebIdentityToken.html: an issuer for each account.
    preset: 'aws-outbound',
    name: 'AWS',
    issuer: /^https:\/\/[^/.]+\.tokens\.sts\.global\.api\.aws$/,
    tenancy: 'single',
    algorithms: ['RS256', 'ES384'],
  },
  {
    // https://learn.microsoft.com/entra/identity-platform/access-tokens: an issuer for each tenant; a managed identity's token is kept for a day.
    preset: 'azure',
    name: 'Microsoft Entra',
    issuer:
      /^https:\/\/login\.microsoftonline\.(com|us)\/[0-9a-f-]{36}\/v2\.0$|^https:\/\/sts\.windows\.net\/[0-9a-f-]{36}\/$/,
    tenancy: 'single',
    reused: { maxAge: 86_400 },
  },
  {
    // The subject of a cloud agent is that agent: `cloud_agent_id:…`.
    preset: 'cursor',
    name: 'Cursor',
    url: 'https://api.cursor.com',
    issuer: /^https:\/\/api\.cursor\.com$/,
    tenancy: {
      subject: /^cloud_agent_id:[^*:]+$/,
      claims: { team_id: whole },
      remedy:
        'Name your team in `team_id`; `repository` and `owner` are true of other customers’ agents too.',
    },
    session: ['sub'],
  },
  {
    preset: 'warp',
    name: 'Warp',
    url: 'https://app.warp.dev',
    issuer: /^https:\/\/app\.warp\.dev$/,
    tenancy: {
      subject: /^scoped_principal:[^*:/]+\//,
      claims: {},
      remedy: 'Begin the subject with `scoped_principal:TEAM/`.',
    },
    session: ['run_id'],
  },
  {
    // Its token is renewed while the session goes on.
    preset: 'devin',
    name: 'Devin',
    marks: ['devin_id', 'org_id'],
    tenancy: { claims: { org_id: whole }, remedy: 'Name your organization in `org_id`.' },
    session: ['devin_id'],
    reused: anHour,
  },
  {
    // https://spiffe.io/docs/latest/spiffe-specs/jwt-svid/: the Workload API may hand out a cached SVID.
    preset: 'spiffe',
    name: 'SPIFFE',
    issuer: /^spiffe:\/\//,
    tenancy: 'single',
    reused: anHour,
  },
  {
    preset: 'codefresh',
    name: 'Codefresh',
    url: 'https://oidc.codefresh.io',
    issuer: /^https:\/\/oidc\.codefresh\.io$/,
    tenancy: {
      subject: /^account:[^*:]+(:|$)/,
      claims: { account_id: whole, pipeline_id: whole },
      remedy: 'Begin the subject with `account:ID:`.',
    },
  },
  {
    preset: 'vercel',
    name: 'Vercel',
    url: 'https://oidc.vercel.com',
    issuer: /^https:\/\/oidc\.vercel\.com$/,
    tenancy: {
      subject: /^owner:[^*:]+(:|$)/,
      claims: { owner: whole, owner_id: whole, project_id: whole },
      remedy: 'Name it in `owner_id`, or begin the subject with `owner:TEAM:`.',
    },
    reused: anHour,
  },
  {
    preset: 'pulumi',
    name: 'Pulumi Cloud',
    url: 'https://api.pulumi.com/oidc',
    issuer: /^https:\/\/api\.pulumi\.com\/oidc$/,
    tenancy: {
      subject: /^pulumi:[^*:]+:org:[^*:]+(:|$)/,
      claims: { org: whole },
      remedy: 'Name it in `org`, or begin the subject with `pulumi:deploy:org:NAME:`.',
    },
  },
  // Where people log in; each organization has an issuer of its own.
  {
    name: 'Okta',
    issuer: /^https:\/\/[a-z0-9-]+\.okta(preview|-emea)?\.com(\/oauth2\/[^/]+)?$/,
    tenancy: 'single',
  },
  { name: 'Auth0', issuer: /^https:\/\/[a-z0-9.-]+\.auth0\.com\/$/, tenancy: 'single' },
]

/** The names that `preset:` takes. */
export const presets = platforms.flatMap(({ preset }) => preset ?? []) as [string, ...string[]]

/** The platform whose issuer this is. */
export function platformAt(issuer: string): Platform | undefined {
  return platforms.find((platform) => platform.issuer?.test(issuer))
}

export function platformOf(preset: string): Platform | undefined {
  return platforms.find((platform) => platform.preset === preset)
}

/** The tenancy of an issuer whose tenants these claims name. */
export function namedBy(claims: readonly string[]): Tenancy {
  return {
    claims: Object.fromEntries(claims.map((claim) => [claim, whole])),
    remedy: `Name the tenant in ${claims.map((claim) => `\`${claim}\``).join(' or ')}, without a wildcard.`,
  }
}
