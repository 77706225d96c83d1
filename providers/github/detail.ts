/** What a task asks of GitHub: one RFC 9396 authorization detail. */
import { z, type ZodType } from 'zod'
import { closest } from '../../src/base/closest.ts'
import { strict } from '../../src/base/issues.ts'
import { fullName, ownerOf } from './names.ts'
import { askable, permissions, type Level, type Permissions } from './permissions.ts'

export interface GithubDetail {
  type: 'github'
  /** `owner/repository`, lower case, sorted, all of one owner. */
  repositories: string[]
  /** Sorted by name. */
  permissions: Permissions
}

/** The most that one installation token can be limited to (GitHub REST, "Create an installation access token"). */
const mostRepositories = 500

const repositories = z
  .array(fullName)
  .min(1, 'name at least one repository: without one the token would reach all of them')
  .max(mostRepositories)
  .refine((names) => new Set(names).size === names.length, 'the same repository is named twice')
  .refine((names) => new Set(names.map(ownerOf)).size <= 1, 'the repositories must have one owner')
  .transform((names) => names.toSorted())

/**
 * A strict object and not a record: a record would silently drop `__proto__`,
 * and what the caller believes was asked would not be what is decided.
 */
const asked = z
  .strictObject(Object.fromEntries(askable.map(({ name, levels }) => [name, level(name, levels)])), {
    error: (issue) => (issue.code === 'unrecognized_keys' ? refusal(issue.keys) : undefined),
  })
  .refine((wanted) => Object.keys(wanted).length > 0, {
    error: 'name at least one permission: without one the token would have all of them',
    // Not beside the refusal of the only one that was named.
    when: ({ issues }) => issues.length === 0,
  })

/** The schema of a detail. Its output is normal: equal requests are equal JSON. */
export const githubDetail: ZodType<GithubDetail> = strict({
  type: z.literal('github'),
  repositories,
  permissions: asked,
})

function level(name: string, levels: readonly Level[]) {
  return z.enum(levels, { error: `${name} has the levels: ${levels.join(', ')}` }).exactOptional()
}

function refusal(names: string[] = []): string {
  return names.map((name) => `${JSON.stringify(name.slice(0, 64))} ${fault(name)}`).join('; ')
}

function fault(name: string): string {
  const known = permissions.get(name)
  if (known?.reach === 'user') return 'is a permission on a user, which no task can have'
  if (known) return 'reaches the whole enterprise, which no task can have'
  const near = closest(
    name,
    askable.map((permission) => permission.name),
  )
  return `is not a permission${near ? `; did you mean ${near}?` : ''}`
}
