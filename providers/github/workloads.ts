/**
 * The jobs of GitHub Actions: their tokens say which repository they run in, and
 * what they run is in the hands of whoever writes it. Branch and environment
 * protection are not known here, so a branch or environment in a rule keeps nobody out.
 */
import { isLoopback } from '../../src/base/endpoint.ts'
import type { Workloads } from '../../src/provider/contract.ts'
import type { Entity } from '../../src/provider/terms.ts'
import { fullName, ownerOf } from './names.ts'
import { actionOf, permissions, type PermissionName } from './permissions.ts'

/** Above `read`, each changes what jobs run, starts them with inputs of its own, or sets what their tokens say. */
const levers: readonly PermissionName[] = [
  'actions',
  'administration',
  'codespaces', // its token can push
  'contents',
  'custom_properties_for_organizations',
  'environments',
  'merge_queues',
  'organization_administration',
  'organization_custom_properties',
  'organization_self_hosted_runners', // a runner gets the tokens of the jobs that it runs
  'repository_custom_properties',
  'single_file',
  'workflows',
]

/** Claims with which a customised subject may begin (GitHub, "Customizing the subject claims"), each with what it may be. */
const customised = [
  'actor:*',
  'actor_id:*',
  'environment:**',
  'enterprise:*',
  'enterprise_id:*',
  'event_name:*',
  'job_workflow_ref:**',
  'ref:**',
  'repository_id:*',
  'repository_owner_id:*',
  'repository_visibility:*',
  'runner_environment:*',
  'workflow:**',
]

/** What follows in a subject is up to the repository: a branch, an environment, or more of a customised one. */
const deepest = 6

export const workloads: Workloads = {
  // Each level is asked for by itself, and needs no permission for those below it.
  actions: levers.flatMap((name) => {
    const { reach, levels } = permissions.get(name)!
    const on = reach === 'organization' ? 'GithubOwner' : 'GithubRepository'
    return levels.filter((level) => level !== 'read').map((level) => ({ ...actionOf(name, level), on }))
  }),

  named(claim, pattern) {
    const [, owner, repository] =
      (claim === 'sub'
        ? /^(?:repo|repository):([^:/@*]+)(?:@[^:/]*)?\/([^:/@*]+)(?:@[^:/]*)?(?::|$)/
        : claim === 'repository'
          ? /^([^/*]+)\/([^/*]+)$/
          : /(?!)/
      ).exec(pattern) ?? []
    const name = fullName.safeParse(`${owner}/${repository}`)
    return owner !== undefined && name.success ? { type: 'GithubRepository', id: name.data } : undefined
  },

  unnamed: ({ id }) => ({ type: 'GithubRepository', id: `${id}/*` }),

  issuedBy({ url, platform }, host, claims) {
    const { host: at, hostname, pathname } = new URL(url)
    if (pathname.endsWith('/_services/token')) return at === host
    const [, hosted] = /^token\.actions\.(githubusercontent\.com|[^.]+\.ghe\.com)$/.exec(hostname) ?? []
    if (hosted !== undefined) return host === (hosted === 'githubusercontent.com' ? 'github.com' : hosted)
    if (platform === 'GitHub Actions' || platform === 'GitHub Copilot') return true
    // On this machine it stands in for an issuer, and its rules say of which.
    return isLoopback(url) && claims.some((claim) => claim === 'sub' || claim.startsWith('repository'))
  },

  tokensOf({ id }: Entity) {
    const owner = ownerOf(id)
    const repository = id.slice(owner.length + 1)
    const begins = [
      `repo:${id}`,
      // Since July 2026, with ids.
      `repo:${owner}@*/${repository}@*`,
      `repository:${id}`,
      `repository_owner:${owner}`,
      ...customised,
    ]
    const ends = Array.from({ length: deepest + 1 }, (_, depth) => ':**'.repeat(depth))
    return {
      sub: begins.flatMap((begin) => ends.map((end) => begin + end)),
      repository: [id],
      repository_owner: [owner],
      workflow_ref: [`${id}/**`],
    }
  },
}
