/**
 * What the subjects of known platforms' tokens look like, as patterns of the kind that rules
 * are written in, by the platform's name. What a platform leaves to its customers is not here.
 */

export interface SubjectShapes {
  /** With what a subject begins that has one of these shapes, and was not put together by the customer. */
  readonly begins: string
  readonly shapes: readonly string[]
  /** Those of what everybody means who writes a wildcard. */
  readonly usual: readonly string[]
  /** How to write a rule that takes in many. */
  readonly remedy: string
}

/** Claims of which a customised subject of GitHub's may be put together (GitHub, "Customizing the subject claims"). */
const customised = [
  'actor',
  'actor_id',
  'enterprise',
  'enterprise_id',
  'event_name',
  'job_workflow_ref',
  'repository_id',
  'repository_owner_id',
  'repository_visibility',
  'runner_environment',
  'workflow',
  'workflow_ref',
]

const usual = ['ref:refs/**', 'environment:**', ...customised.map((claim) => `${claim}:**`)]
  // A customised subject goes on with further claims.
  .flatMap((context) => ['', ':*:**', ':*:**:*:**'].map((more) => `repo:*/*:${context}${more}`))

/** https://docs.github.com/actions/reference/security/oidc; OWNER and REPO may have `@ID` behind them. */
const actions: SubjectShapes = {
  begins: 'repo:',
  shapes: [...usual, 'repo:*/*:pull_request', 'repo:*/*:pull_request:*:**'],
  usual,
  remedy:
    'Write `repo:OWNER/*:ref:refs/heads/main` for one branch of every repository, `…:ref:refs/heads/**` for every branch, or `…:environment:NAME`.',
}

function alone(begins: string, shape: string, remedy: string): SubjectShapes {
  return { begins, shapes: [shape], usual: [shape], remedy }
}

export const subjectShapes: Readonly<Record<string, SubjectShapes>> = {
  'GitHub Actions': actions,
  'GitHub Copilot': actions,
  // https://docs.gitlab.com/ci/secrets/id_token_authentication/
  GitLab: alone(
    'project_path:',
    'project_path:**:ref_type:*:ref:**',
    'Write `project_path:GROUP/PROJECT:ref_type:branch:ref:main`, with `**` for projects in groups and branches of any depth.',
  ),
  // https://buildkite.com/docs/agent/cli/reference/oidc
  Buildkite: alone(
    'organization:',
    'organization:*:pipeline:*:ref:refs/**:commit:*:step:**',
    'Write `organization:SLUG:pipeline:SLUG:ref:refs/heads/main:commit:*:step:*`, or name the pipeline in `pipeline_id`.',
  ),
  // https://circleci.com/docs/openid-connect-tokens/
  CircleCI: alone(
    'org/',
    'org/*/project/*/user/**',
    'Write `org/ID/project/ID/user/**`, or name the project in its claim.',
  ),
  // https://developer.hashicorp.com/terraform/cloud-docs/dynamic-provider-credentials/workload-identity-tokens
  'HCP Terraform': alone(
    'organization:',
    'organization:*:project:*:workspace:*:run_phase:*',
    'Write `organization:NAME:project:*:workspace:NAME:run_phase:*`.',
  ),
  // https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/
  Kubernetes: alone(
    'system:serviceaccount:',
    'system:serviceaccount:*:*',
    'Write `system:serviceaccount:NAMESPACE:NAME`.',
  ),
}
