/** What the command of `mayfly run` finds in its environment. */
import type { TaskAccess } from '../client.ts'

export type Environment = Record<string, string | undefined>

/** With what a child could show the workload's identity, and so open tasks of its own. `*`: any ending. */
const identityVariables = [
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
  'AWS_WEB_IDENTITY_TOKEN_FILE',
  'AZURE_FEDERATED_TOKEN_FILE',
].map((name) => new RegExp(`^${name.replace('*', '.*')}$`))

/** A token for `gh`, and the one host that it is for. */
export interface GhLogin {
  token: string
  host: string
}

/** How git in the child comes by credentials. */
export interface GitSetup {
  /** Web origins, `https://github.com`. */
  hosts: readonly string[]
  /** The credential helper, as git's configuration has it: `!` and a line for sh. */
  helper: string
}

/**
 * The parent's variables without its identity, and with the task.
 *
 * @throws TypeError for a `GIT_CONFIG_COUNT` that git would not take either.
 */
export function childEnvironment(
  parent: Environment,
  given: { url: string; identity: string; task: TaskAccess; git: GitSetup; gh: GhLogin | undefined },
): Environment {
  const { url, identity, task, git, gh } = given
  const kept = Object.entries(parent).filter(
    ([name, value]) => value?.trim() !== identity && !identityVariables.some((known) => known.test(name)),
  )
  return {
    ...Object.fromEntries(kept),
    ...gitConfiguration(parent['GIT_CONFIG_COUNT'], git),
    MAYFLY_URL: url,
    MAYFLY_TASK: task.id,
    MAYFLY_TASK_TOKEN: task.token,
    ...(gh && ghVariables(gh)),
  }
}

/** git-config(1), "ENVIRONMENT": these come after every file, and so win. */
function gitConfiguration(before: string | undefined, { hosts, helper }: GitSetup): Environment {
  if (!/^\d*$/.test(before ?? '')) throw new TypeError('GIT_CONFIG_COUNT is set, and is not a number')
  const first = Number(before ?? '')
  const settings = hosts.flatMap((host) => [
    // An empty value drops the helpers named before: a login that outlives the task is not for the task to use.
    [`credential.${host}.helper`, ''],
    [`credential.${host}.helper`, helper],
    [`credential.${host}.useHttpPath`, 'true'],
    // The same for the header with which `actions/checkout` leaves the job's own token in a repository.
    [`http.${host}/.extraHeader`, ''],
  ])
  const numbered = settings.flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${first + index}`, key],
    [`GIT_CONFIG_VALUE_${first + index}`, value],
  ])
  return { ...Object.fromEntries(numbered), GIT_CONFIG_COUNT: String(first + settings.length) }
}

/** `gh help environment`: hosts other than github.com and those under ghe.com have a variable of their own. */
function ghVariables({ token, host }: GhLogin): Environment {
  if (host === 'github.com') return { GH_TOKEN: token }
  // `gh` offers GH_TOKEN to github.com too, whatever GH_HOST says.
  return host.endsWith('.ghe.com')
    ? { GH_TOKEN: token, GH_HOST: host }
    : { GH_ENTERPRISE_TOKEN: token, GH_HOST: host }
}
