/** Variables of the parent's environment with which a command could act as somebody else than its task. */

export type Environment = Record<string, string | undefined>

/** With what a child could show the workload's identity, and so open tasks of its own. `*`: any ending. */
const identity = [
  'MAYFLY_TOKEN',
  'MAYFLY_TOKEN_FILE',
  'ACTIONS_ID_TOKEN_REQUEST_*', // GitHub Actions
  'CI_JOB_JWT*', // GitLab before `id_tokens`, whose variables have names of the job's choosing
  'CIRCLE_OIDC_TOKEN*',
  'BUILDKITE_AGENT_ACCESS_TOKEN', // for `buildkite-agent oidc request-token`
  'BITBUCKET_STEP_OIDC_TOKEN',
  'SEMAPHORE_OIDC_TOKEN',
  'VERCEL_OIDC_TOKEN',
  'TFC_WORKLOAD_IDENTITY_TOKEN*', // HCP Terraform
  'SYSTEM_OIDCREQUESTURI', // Azure Pipelines
  'AZURE_FEDERATED_TOKEN_FILE',
]

/** Logins that tools find before, or where there is none of, the task's: what is done with those is on no record. */
const logins = [
  'GH_TOKEN',
  'GITHUB_TOKEN',
  'GH_ENTERPRISE_TOKEN',
  'GITHUB_ENTERPRISE_TOKEN',
  'GH_HOST',
  'AWS_*', // settings too: a profile or an endpoint decides whose credential is used where
  'VAULT_TOKEN',
  'BAO_TOKEN',
  'SSH_AUTH_SOCK',
]

const named = [...identity, ...logins].map((name) => new RegExp(`^${name.replace('*', '.*')}$`))

/** "About authentication to GitHub", token formats: under whatever name a job keeps one. */
const githubToken = /^\s*(?:gh[a-z]_|github_pat_)[\w.-]+\s*$/

/** Whether the command must not have the variable. `token`: the workload's identity, which may be in any of them. */
export function isAmbient(name: string, value: string | undefined, token: string): boolean {
  if (named.some((pattern) => pattern.test(name))) return true
  return value !== undefined && (value.trim() === token || githubToken.test(value))
}
