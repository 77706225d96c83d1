/**
 * A credential helper for Docker (docker-credential-helpers' protocol): a GitHub token for GitHub's own
 * container registry, minted in the task that Docker runs in.
 */
import type { MintedCredential, Task } from './client.ts'
import { bearerOf } from './formats.ts'
import { type GithubDetail, type GithubItem, githubItems } from './scope.ts'

export interface DockerCredentialSources {
  task: () => Promise<Task>
  mint: (detail: GithubDetail) => Promise<MintedCredential>
}

/** What Docker goes on without a login at, rather than failing. To the letter: it compares. */
export class NoDockerCredential extends Error {
  constructor() {
    super('credentials not found in native keychain')
    this.name = 'NoDockerCredential'
  }
}

const username = 'x-access-token'

/**
 * Answers one call of Docker's: `input` is what it writes, and the promise what it is to read.
 *
 * @throws NoDockerCredential where the task has nothing for that registry; BrokerProblem, BrokerUnreachable
 */
export async function dockerCredential(
  action: 'get' | 'list',
  input: string,
  { task, mint }: DockerCredentialSources,
): Promise<string> {
  const items = githubItems(await task()).filter(hasPackages)
  if (action === 'list')
    return JSON.stringify(Object.fromEntries(items.map(({ host }) => [registryOf(host), username])))
  const server = input.trim()
  const here = items.filter(({ host }) => registryOf(host) === hostOf(server))
  const best = here.find(({ detail }) => detail.permissions.packages === 'write') ?? here[0]
  const Secret = best && bearerOf(await mint(best.detail))
  if (Secret === undefined) throw new NoDockerCredential()
  return JSON.stringify({ ServerURL: server, Username: username, Secret })
}

/** "Working with the Container registry": GitHub's own, and that of an instance with subdomains. */
function registryOf(host: string): string {
  return host === 'github.com' ? 'ghcr.io' : `containers.${host}`
}

function hasPackages(item: GithubItem): item is GithubItem & { host: string } {
  return item.host !== null && item.detail.permissions.packages !== undefined
}

/** Docker names a registry with a scheme or without. */
function hostOf(server: string): string {
  const url = /^https?:\/\//i.test(server) ? server : `https://${server}`
  return URL.canParse(url) ? new URL(url).host : ''
}
