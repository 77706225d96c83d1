/** What one GitHub App on one host offers. */
import type { Terms } from '../../src/provider/terms.ts'
import type { GithubConfig } from './config.ts'
import type { GithubDetail } from './detail.ts'
import { ownerOf } from './names.ts'
import { allActions, includes } from './permissions.ts'
import { ownerOn, requests } from './requests.ts'

export function terms({ api, host, owners }: GithubConfig): Terms<GithubDetail> {
  return {
    leadsTo: api,
    host,
    resources: owners.map((owner) => ({ ...ownerOn(host, owner), actions: allActions })),
    serves: ({ repositories }) => repositories.every((repository) => owners.includes(ownerOf(repository))),
    requests: (detail) => requests(detail, host),

    covers(outer, inner) {
      const repositories = new Set(outer.repositories)
      const held: Record<string, string> = outer.permissions
      return (
        inner.repositories.every((repository) => repositories.has(repository)) &&
        Object.entries(inner.permissions).every(([permission, level]) => includes(held[permission], level))
      )
    },

    revocation: () => 'immediate',
    minTtl: () => 1,
  }
}
