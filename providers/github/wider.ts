import { z } from 'zod'
import type { GithubDetail } from './detail.ts'
import { ownerOf } from './names.ts'
import { includes, permissions as catalogue } from './permissions.ts'

const repository = z.object({
  full_name: z.string().optional(),
  name: z.string().optional(),
  owner: z.object({ login: z.string() }).optional(),
})

const grant = z.object({
  expires_at: z.iso.datetime({ offset: true }),
  permissions: z.record(z.string(), z.string()),
  // GitHub's own schema leaves it optional; the list of repositories then has to say it all.
  repository_selection: z.string().default('selected'),
  repositories: z.array(repository).optional(),
})

/**
 * What the answer to a mint grants beyond what was asked, in words that quote
 * nothing of it, or undefined. An answer that does not say what it grants is
 * taken to grant more.
 */
export function wider(asked: GithubDetail, answer: unknown): string | undefined {
  const parsed = grant.safeParse(answer)
  if (!parsed.success) return 'an answer that does not say what it grants'
  const { permissions, repository_selection, repositories } = parsed.data

  // With `all`, GitHub lists no repositories, and the token reaches those of tomorrow too.
  if (repository_selection !== 'selected' || !repositories) return 'every repository of the installation'
  const names = new Set(asked.repositories)
  // An installation has one owner, the one it was looked up for: a bare name is a repository of that owner.
  const installed = ownerOf(asked.repositories[0]!)
  const foreign = repositories.filter(
    ({ name, owner, full_name = name && `${owner?.login ?? installed}/${name}` }) =>
      !full_name || !names.has(full_name.toLowerCase()),
  )
  if (foreign.length > 0) return `${foreign.length} repositories that were not asked for`

  const excess = Object.entries(permissions).find(
    ([name, level]) => !includes({ metadata: 'read', ...asked.permissions }[name], level),
  )
  if (!excess) return undefined
  const [name] = excess
  return catalogue.has(name)
    ? `more of the permission ${name}`
    : 'a permission that GitHub has not documented'
}
