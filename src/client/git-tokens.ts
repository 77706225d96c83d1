/** Tokens for git: one for each repository and permission, kept in memory. */
import { createHash } from 'node:crypto'
import { isLoopback } from '../base/endpoint.ts'
import type { AuthorizationDetail, Client, TaskAccess } from './client.ts'
import type { KeptCredentials } from './kept.ts'
import { type GithubDetail, type GithubItem, githubItems } from './scope.ts'

/** What git wants a credential for cannot be had in this task. Never holds a secret. */
export class NoGitCredential extends Error {
  /** What to do about it, one line. */
  readonly remedy: string

  constructor(message: string, remedy: string) {
    super(message)
    this.name = 'NoGitCredential'
    this.remedy = remedy
  }
}

export interface GitToken {
  token: string
  /** Until when git may use it. Milliseconds since 1970. */
  until: number
}

/**
 * A task's scope may name hundreds of repositories, and a task may have fifty live
 * leases. Up to so many repositories in the whole scope each has a token of its
 * own; beyond, one detail of the scope has one for all of its repositories.
 */
const narrowUpTo = 20

export class GitTokens {
  readonly #client: Client
  readonly #task: TaskAccess
  readonly #kept: KeptCredentials
  #scope: Promise<readonly GithubItem[]> | undefined

  constructor({ client, task, kept }: { client: Client; task: TaskAccess; kept: KeptCredentials }) {
    this.#client = client
    this.#task = task
    this.#kept = kept
  }

  /** For `owner/repository`, in lower case, at `origin`, `https://github.com`. @throws NoGitCredential, BrokerProblem, BrokerUnreachable */
  async get(origin: string, repository: string): Promise<GitToken> {
    this.#scope ??= this.#client.showTask(this.#task).then(githubItems)
    const scope = await this.#scope.catch((error: unknown) => {
      this.#scope = undefined
      throw error
    })
    const here = scope.filter(({ host }) => isFor(origin, host)).map(({ detail }) => detail)
    const { credential, until } = await this.#kept.get(detailFor(here, repository))
    const { token } = credential
    // A line break would let the answer to git say more than one thing.
    if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token))
      throw new NoGitCredential('the broker answered with no token', 'Check --url (MAYFLY_URL).')
    return { token, until }
  }

  /**
   * Forgets the token that a server has refused, and gives it back; one that is not the task's is left alone,
   * and one that another tool holds as well: it may be that only git's server does not know it yet.
   */
  async erase(token: string): Promise<void> {
    if (!this.#kept.discard(token)) return
    // By its fingerprint: another process may have minted it.
    const fingerprint = createHash('sha256').update(token).digest('base64')
    const { leases } = await this.#client.showTask(this.#task)
    const ours = leases.find((lease) => lease.provider === 'github' && lease.fingerprint === fingerprint)
    if (ours) await this.#client.giveBack(this.#task, ours.id)
  }
}

/** Whether what is minted for `host` may be offered to `origin`. On this machine stands what stands in for a host. */
function isFor(origin: string, host: string | null): boolean {
  return host !== null && (new URL(origin).host === host || isLoopback(origin))
}

/**
 * The least of the task's scope with which git can do all that the task may do
 * in the repository. Git does not tell whether it is about to read or to write.
 */
function detailFor(scope: readonly GithubDetail[], repository: string): AuthorizationDetail {
  const covering = scope.filter((detail) => detail.repositories.includes(repository))
  const [best] = covering
    .filter(({ permissions }) => permissions.contents !== undefined)
    .toSorted((a, b) => reach(b) - reach(a))
  if (!best)
    throw new NoGitCredential(
      covering.length === 0
        ? `${repository} is not within the scope of this task`
        : `the scope of this task has no permission for the contents of ${repository}`,
      `Ask for it in a child of the task, with \`mayfly run\` or \`request_access\` of \`mayfly mcp\`: --scope github:${repository}:contents=read, or contents=write to push.`,
    )
  const { contents, workflows } = best.permissions
  const narrow = scope.flatMap((detail) => detail.repositories).length <= narrowUpTo
  return {
    ...best,
    repositories: narrow ? [repository] : best.repositories,
    permissions: { ...(contents && { contents }), ...(workflows && { workflows }) },
  }
}

/** How much git can do with it: a push that touches workflows needs a permission of its own. */
function reach({ permissions: { contents, workflows } }: GithubDetail): number {
  return (contents === 'read' ? 0 : 2) + (workflows ? 1 : 0)
}
