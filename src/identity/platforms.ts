/**
 * Platforms whose tokens are known, as data: which of their claims name one session, be it
 * one run of a job or one session of a cloud agent. What `session:` of an issuer says comes first.
 */

export interface Platform {
  readonly name: string
  /** The URLs of its issuers. Undefined where anybody runs one of their own. */
  readonly issuer?: RegExp
  /** Claims that only its tokens have together: its installations elsewhere are known by them. */
  readonly marks?: readonly string[]
  /** Those that a token lacks are left out. A name that begins with `/` is a JSON Pointer (RFC 6901). */
  readonly session: readonly string[]
}

/** Each with where its claims are documented. */
export const platforms: readonly Platform[] = [
  {
    // https://docs.github.com/actions/reference/security/oidc; Enterprise Server has no `check_run_id` yet.
    name: 'GitHub Actions',
    issuer: /^https:\/\/token\.actions\.githubusercontent\.com(\/|$)|^https:\/\/[^/]+\/_services\/token$/,
    marks: ['run_id', 'run_attempt', 'repository_id'],
    session: ['run_id', 'run_attempt', 'check_run_id'],
  },
  {
    // https://docs.gitlab.com/ci/secrets/id_token_authentication/
    name: 'GitLab',
    issuer: /^https:\/\/gitlab\.com$/,
    marks: ['pipeline_id', 'job_id', 'namespace_id'],
    session: ['pipeline_id', 'job_id'],
  },
  {
    // https://buildkite.com/docs/agent/cli/reference/oidc
    name: 'Buildkite',
    issuer: /^https:\/\/agent\.buildkite\.com$/,
    session: ['job_id', 'build_number'],
  },
  {
    // https://circleci.com/docs/openid-connect-tokens/
    name: 'CircleCI',
    issuer: /^https:\/\/oidc\.circleci\.com\/org\/[^/]+$/,
    session: ['oidc.circleci.com/pipeline-id'],
  },
  {
    // https://support.atlassian.com/bitbucket-cloud/docs/integrate-pipelines-with-resource-servers-using-oidc/
    name: 'Bitbucket Pipelines',
    issuer: /^https:\/\/api\.bitbucket\.org\/2\.0\/workspaces\/[^/]+\/pipelines-config\/identity\/oidc$/,
    session: ['pipelineUuid', 'stepUuid'],
  },
  {
    // https://developer.hashicorp.com/terraform/cloud-docs/dynamic-provider-credentials/workload-identity-tokens
    name: 'HCP Terraform',
    issuer: /^https:\/\/app(\.eu)?\.terraform\.io$/,
    marks: ['terraform_run_id', 'terraform_workspace_id'],
    session: ['terraform_run_id'],
  },
  {
    // https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/
    name: 'Kubernetes',
    marks: ['/kubernetes.io/pod/uid'],
    session: ['/kubernetes.io/pod/uid'],
  },
  // The subject of a Cursor cloud agent is that agent: `cloud_agent_id:…`.
  { name: 'Cursor', issuer: /^https:\/\/api\.cursor\.com$/, session: ['sub'] },
  { name: 'Warp', issuer: /^https:\/\/app\.warp\.dev$/, session: ['run_id'] },
  { name: 'Devin', marks: ['devin_id', 'org_id'], session: ['devin_id'] },
]
