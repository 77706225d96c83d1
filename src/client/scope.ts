/** A task's scope as its client needs it: what each item is for, and what mints it. */
import type { AuthorizationDetail, Task } from './client.ts'

/** A detail of GitHub's, as far as git and Docker are concerned. */
export interface GithubDetail extends AuthorizationDetail {
  /** `owner/repository`, in lower case. */
  repositories: string[]
  permissions: { contents?: 'read' | 'write'; packages?: 'read' | 'write'; workflows?: 'write' }
}

export interface GithubItem {
  detail: GithubDetail
  /** The only web host that its credentials may be offered to; null where they are for none. */
  host: string | null
}

export function githubItems({ authorization_details: scope, upstreams }: Task): GithubItem[] {
  return scope.flatMap((detail, index) =>
    detail.type === 'github'
      ? [{ detail: detail as GithubDetail, host: upstreams[index]?.host ?? null }]
      : [],
  )
}
