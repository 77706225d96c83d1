/** A task's scope as its client needs it: what each item is for, and what mints it. */
import type { GithubDetail } from '../../providers/github/detail.ts'
import type { Task } from './client.ts'

export interface GithubItem {
  detail: GithubDetail
  /** The only web host that its credentials may be offered to; null where they are for none. */
  host: string | null
}

export function githubItems({ authorization_details: scope, upstreams }: Task): GithubItem[] {
  return scope.flatMap((detail, index) =>
    detail.type === 'github'
      ? [{ detail: detail as unknown as GithubDetail, host: upstreams[index]?.host ?? null }]
      : [],
  )
}
