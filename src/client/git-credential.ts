/**
 * A credential helper for git (gitcredentials(7), git-credential(1)): a token
 * for one repository, minted in the task that git runs in.
 */
import { createHash } from 'node:crypto'
import { isLoopback } from '../endpoint.ts'
import type { GithubDetail } from '../../providers/github/detail.ts'
import type { AuthorizationDetail, Client, TaskAccess } from './client.ts'

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

export interface GitCredentialSources {
  client: Client
  /** @throws where there is none; called only when git's host is one of `hosts`. */
  task: () => TaskAccess
  /** The only origins that are answered, `https://github.com`: a token must never go to another server. */
  hosts: readonly string[]
}

/**
 * Answers one call of git's: `input` is what git writes, `key=value` lines, and
 * the promise what git is to read, `''` for nothing.
 *
 * `get` mints a lease each time: git asks once for a clone, fetch or push, and
 * nothing secret is left lying about for the next. `erase`, when a server has
 * refused the password, gives the lease back. Anything else is ignored, as the
 * protocol has it; so is a host that is not ours, for which git then asks others.
 *
 * @throws NoGitCredential, BrokerProblem, BrokerUnreachable
 */
export async function gitCredential(
  action: string,
  input: string,
  { client, task, hosts }: GitCredentialSources,
): Promise<string> {
  const wanted = parse(input)
  const origin = `${wanted['protocol']}://${wanted['host']?.toLowerCase()}`
  if (!['get', 'erase'].includes(action) || !hosts.includes(origin)) return ''
  if (action === 'get') return await get(client, task(), origin, repositoryOf(wanted['path']))
  await erase(client, task(), wanted['password'])
  return ''
}

async function get(client: Client, task: TaskAccess, origin: string, repository: string): Promise<string> {
  const shown = await client.showTask(task)
  const scope = shown.authorization_details.filter((_, at) =>
    isFor(origin, shown.upstreams[at]?.host ?? null),
  )
  const { lease, credential } = await client.credential(task, narrowest(scope, repository))
  const { token } = credential
  // A line break would let the answer say more than one thing.
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token))
    throw new NoGitCredential('the broker answered with no token', 'Check --url (MAYFLY_URL).')
  const expiry = Math.floor(Date.parse(lease.deadline) / 1000)
  return `username=x-access-token\npassword=${token}\npassword_expiry_utc=${expiry}\n`
}

/** Finds the lease by the token's fingerprint, so that nothing need be kept between two calls. */
async function erase(client: Client, task: TaskAccess, password: string | undefined): Promise<void> {
  if (password === undefined) return
  const fingerprint = createHash('sha256').update(password).digest('base64')
  const { leases } = await client.showTask(task)
  const ours = leases.find((lease) => lease.provider === 'github' && lease.fingerprint === fingerprint)
  if (ours) await client.giveBack(task, ours.id)
}

/** Whether what is minted for `host` may be offered to `origin`. On this machine stands what stands in for a host. */
export function isFor(origin: string, host: string | null): boolean {
  return host !== null && (new URL(origin).host === host || isLoopback(origin))
}

function parse(input: string): Record<string, string | undefined> {
  const [block = ''] = input.split('\n\n', 1)
  const pairs = block.split('\n').map((line) => {
    const at = line.indexOf('=')
    return [line.slice(0, Math.max(at, 0)), line.slice(at + 1)] as const
  })
  return Object.fromEntries(pairs)
}

/** `acme/web`, of `acme/Web.git` or what lies below it (LFS). */
function repositoryOf(path: string | undefined): string {
  const [, owner, name] = /^([^/]+)\/([^/]+?)(?:\.git)?(?:\/.*)?$/.exec(path ?? '') ?? []
  if (owner !== undefined && name !== undefined) return `${owner}/${name}`.toLowerCase()
  throw path
    ? new NoGitCredential('the path of this address is not OWNER/REPOSITORY', "Correct the remote's address.")
    : new NoGitCredential(
        'git does not tell which repository this is for',
        'Set `credential.useHttpPath` to true for this host.',
      )
}

/**
 * The least of the task's scope with which git can do all that the task may do
 * in the repository. Git does not tell whether it is about to read or to write.
 */
function narrowest(scope: readonly AuthorizationDetail[], repository: string): AuthorizationDetail {
  const covering = scope
    .filter((detail) => detail.type === 'github')
    .map((detail) => detail as unknown as GithubDetail)
    .filter((detail) => detail.repositories.includes(repository))
  const [best] = covering
    .filter(({ permissions }) => permissions.contents !== undefined)
    .toSorted((a, b) => reach(b) - reach(a))
  if (!best)
    throw new NoGitCredential(
      covering.length === 0
        ? `${repository} is not within the scope of this task`
        : `the scope of this task has no permission for the contents of ${repository}`,
      `Open the task with --scope github:${repository}:contents=read, or contents=write to push.`,
    )
  const { contents, workflows } = best.permissions
  return {
    ...best,
    repositories: [repository],
    permissions: { ...(contents && { contents }), ...(workflows && { workflows }) },
  }
}

/** How much git can do with it: a push that touches workflows needs a permission of its own. */
function reach({ permissions: { contents, workflows } }: GithubDetail): number {
  return (contents === 'read' ? 0 : 2) + (workflows ? 1 : 0)
}
