/** The permissions a GitHub App installation token can carry, and what kind of authority each is. */
import type { components } from '@octokit/openapi-types'
import type { Class, ClassedAction } from '../../src/provider/terms.ts'

/** GitHub's levels; each includes those before it. */
export const levels = ['read', 'write', 'admin'] as const
export type Level = (typeof levels)[number]

/**
 * What a permission reaches. Only `repository` and `organization` can be asked
 * for: the other two reach past the owner whose policy was consulted.
 */
type Reach = 'repository' | 'organization' | 'user' | 'enterprise'

type AppPermissions = Required<components['schemas']['app-permissions']>

type LevelsOf<Granted> = 'admin' extends Granted
  ? readonly ['read', 'write', 'admin']
  : 'read' extends Granted
    ? 'write' extends Granted
      ? readonly ['read', 'write']
      : readonly ['read']
    : readonly ['write']

/** Holds the table below to GitHub's own description: no permission or level missing, none invented. */
type Catalogue = { [Name in keyof AppPermissions]: readonly [Reach, ...LevelsOf<AppPermissions[Name]>] }

export type PermissionName = keyof AppPermissions
export type Permissions = Partial<Record<PermissionName, Level>>

/** `app-permissions` of GitHub's OpenAPI description; reach as "Permissions required for GitHub Apps" groups them. */
const catalogue = {
  actions: ['repository', 'read', 'write'],
  administration: ['repository', 'read', 'write'],
  artifact_metadata: ['repository', 'read', 'write'],
  attestations: ['repository', 'read', 'write'],
  checks: ['repository', 'read', 'write'],
  code_quality: ['repository', 'read', 'write'],
  codespaces: ['repository', 'read', 'write'],
  contents: ['repository', 'read', 'write'],
  custom_properties_for_organizations: ['organization', 'read', 'write'],
  dependabot_secrets: ['repository', 'read', 'write'],
  deployments: ['repository', 'read', 'write'],
  discussions: ['repository', 'read', 'write'],
  email_addresses: ['user', 'read', 'write'],
  enterprise_custom_properties_for_organizations: ['enterprise', 'read', 'write', 'admin'],
  environments: ['repository', 'read', 'write'],
  followers: ['user', 'read', 'write'],
  git_ssh_keys: ['user', 'read', 'write'],
  gpg_keys: ['user', 'read', 'write'],
  interaction_limits: ['user', 'read', 'write'],
  issues: ['repository', 'read', 'write'],
  members: ['organization', 'read', 'write'],
  merge_queues: ['repository', 'read', 'write'],
  metadata: ['repository', 'read', 'write'],
  organization_administration: ['organization', 'read', 'write'],
  organization_announcement_banners: ['organization', 'read', 'write'],
  organization_copilot_agent_settings: ['organization', 'read', 'write'],
  organization_copilot_seat_management: ['organization', 'read', 'write'],
  organization_custom_org_roles: ['organization', 'read', 'write'],
  organization_custom_properties: ['organization', 'read', 'write', 'admin'],
  organization_custom_roles: ['organization', 'read', 'write'],
  organization_events: ['organization', 'read'],
  organization_hooks: ['organization', 'read', 'write'],
  organization_packages: ['organization', 'read', 'write'],
  organization_personal_access_token_requests: ['organization', 'read', 'write'],
  organization_personal_access_tokens: ['organization', 'read', 'write'],
  organization_plan: ['organization', 'read'],
  organization_projects: ['organization', 'read', 'write', 'admin'],
  organization_secrets: ['organization', 'read', 'write'],
  organization_self_hosted_runners: ['organization', 'read', 'write'],
  organization_user_blocking: ['organization', 'read', 'write'],
  packages: ['repository', 'read', 'write'],
  pages: ['repository', 'read', 'write'],
  profile: ['user', 'write'],
  pull_requests: ['repository', 'read', 'write'],
  repository_custom_properties: ['repository', 'read', 'write'],
  repository_hooks: ['repository', 'read', 'write'],
  repository_projects: ['repository', 'read', 'write', 'admin'],
  secret_scanning_alerts: ['repository', 'read', 'write'],
  secrets: ['repository', 'read', 'write'],
  security_events: ['repository', 'read', 'write'],
  single_file: ['repository', 'read', 'write'],
  starring: ['user', 'read', 'write'],
  statuses: ['repository', 'read', 'write'],
  vulnerability_alerts: ['repository', 'read', 'write'],
  workflows: ['repository', 'write'],
} as const satisfies Catalogue

export interface Permission {
  name: PermissionName
  reach: Reach
  /** Those it has, lowest first. */
  levels: readonly Level[]
}

/** Every permission, by name. A map, so that `__proto__` and `constructor` are simply not in it. */
export const permissions: ReadonlyMap<string, Permission> = new Map(
  Object.entries(catalogue).map(([name, [reach, ...has]]) => [
    name,
    { name: name as PermissionName, reach, levels: has },
  ]),
)

/** The permissions that can be asked for, in alphabetical order. */
export const askable = [...permissions.values()]
  .filter(({ reach }) => reach === 'repository' || reach === 'organization')
  .toSorted((a, b) => (a.name < b.name ? -1 : 1))

/** Whether a grant of `held` includes `asked`. A level that GitHub has not documented includes nothing, and nothing includes it. */
export function includes(held: string | undefined, asked: string): boolean {
  const wanted = levels.indexOf(asked as Level)
  return wanted >= 0 && levels.indexOf(held as Level) >= wanted
}

/** The permission at this level as a policy action, with its class. */
export function actionOf(name: PermissionName, level: Level): ClassedAction {
  return { action: `github.${name}.${level}`, class: classOf(name, level) }
}

/**
 * At `write`, moves what others are held by: who may do what, which rules are in force where, and, custom
 * properties being claims of a job's OIDC token, which jobs are whose.
 */
const administers =
  /^(administration|attestations|custom_properties_for_organizations|members|organization_.+|repository_custom_properties|.+_hooks)$/

/** At `write`, makes something run, be published or be merged. A codespace runs with a token of its own. */
const deploys = /^(actions|codespaces|deployments|environments|merge_queues|packages|pages|workflows)$/

/**
 * At `write`, says of a commit or an artifact what a ruleset, or whoever deploys, may wait for: required
 * checks, code scanning and code quality results, where an artifact has been deployed.
 */
const vouches = /^(artifact_metadata|checks|code_quality|security_events|statuses)$/

function classOf(name: PermissionName, level: Level): Class {
  if (name.endsWith('secrets') || name === 'secret_scanning_alerts') return 'secrets'
  if (level === 'read') return 'read'
  if (level === 'admin' || administers.test(name)) return 'admin'
  return deploys.test(name) || vouches.test(name) ? 'deploy' : 'write'
}

/** Every action that there is, each permission at each of its levels. */
export const allActions: readonly ClassedAction[] = askable.flatMap(({ name, levels: has }) =>
  has.map((level) => actionOf(name, level)),
)
