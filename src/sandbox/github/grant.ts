/** What an installation token that is asked for may do. */
import { z } from 'zod'
import { sameName, type Repository } from './accounts.ts'
import { refusal } from './refusal.ts'
import type { GithubInstallation } from './settings.ts'

const levels = ['read', 'write', 'admin'] as const

/** Whether `granted` is `level` or higher. Nothing granted is never enough. */
export const reaches = (granted: string | undefined, level: (typeof levels)[number]) =>
  levels.findIndex((known) => known === granted) >= levels.indexOf(level)

/** What a token can do. */
export interface Grant {
  installation: GithubInstallation
  /** Undefined: all that the installation covers at the time of use. */
  repositories: Repository[] | undefined
  permissions: Record<string, string>
}

/** "You can list up to 500 repositories." */
const most = 500

export const accessTokenRequest = z.strictObject({
  repositories: z.array(z.string()).max(most).optional(),
  repository_ids: z.array(z.int()).max(most).optional(),
  permissions: z.record(z.string(), z.enum(levels)).optional(),
})

/** The permissions that have no level `read` (GitHub's OpenAPI description, `app-permissions`). */
const writeOnly = ['workflows', 'profile']

/**
 * The trap of this endpoint: a list of repositories left out or empty means all
 * of them, permissions left out or empty mean all that the installation has.
 *
 * @throws a refusal, 422, for anything that the installation was not granted
 */
export function grantFor(
  asked: z.infer<typeof accessTokenRequest>,
  installation: GithubInstallation,
  covered: Repository[],
): Grant {
  return {
    installation,
    repositories: chosen(asked, covered),
    permissions: permissionsFor(asked.permissions ?? {}, installation.permissions),
  }
}

function chosen(
  { repositories = [], repository_ids: ids = [] }: z.infer<typeof accessTokenRequest>,
  covered: Repository[],
): Repository[] | undefined {
  if (repositories.length > 0 && ids.length > 0) {
    throw refusal(422, 'Only one of repositories and repository_ids may be given.')
  }
  const wanted = [
    ...repositories.map((name) => covered.find((repository) => sameName(repository.name, name))),
    ...ids.map((id) => covered.find((repository) => repository.id === id)),
  ]
  const found = wanted.filter((repository) => repository !== undefined)
  if (found.length < wanted.length) {
    throw refusal(
      422,
      'There is at least one repository that does not exist or is not accessible to the parent installation.',
    )
  }
  return found.length === 0 ? undefined : [...new Set(found)]
}

function permissionsFor(
  asked: Record<string, (typeof levels)[number]>,
  granted: Record<string, string>,
): Record<string, string> {
  // Reading metadata is granted with every installation and every token, asked for or not.
  const all: Record<string, string> = { metadata: 'read', ...granted }
  if (Object.keys(asked).length === 0) return all
  for (const [name, level] of Object.entries(asked)) {
    // An unknown name, or one with a hyphen for an underscore, was never granted either.
    if (!reaches(all[name], level) || (level === 'read' && writeOnly.includes(name))) {
      throw refusal(422, 'The permissions requested are not granted to this installation.')
    }
  }
  return { metadata: 'read', ...asked }
}
