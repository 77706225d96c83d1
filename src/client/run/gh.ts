/**
 * How `gh`, and what reads its files, comes by a token. One that lasts as long as the task is in a
 * variable (`gh help environment`). One that does not would go stale there, and stand before
 * any other: it is in a configuration of the run's own, which is written anew as tokens follow each other.
 */
import { chmod, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { KeptCredential, KeptCredentials } from '../kept.ts'
import type { GithubItem } from '../scope.ts'
import type { Environment } from './ambient.ts'

/** An item of the scope, and the web host that its tokens may be offered to. */
type Item = GithubItem & { host: string }

/** `items`: one a host. `folder`: what GH_CONFIG_DIR names. */
export async function loginGh(
  folder: string,
  items: readonly Item[],
  kept: KeptCredentials,
  signal: AbortSignal,
): Promise<Environment> {
  const tokens = new Map<string, string>()
  for (const { detail, host } of items) tokens.set(host, tokenOf(await kept.get(detail, { signal })))
  // Where there is a token for github.com, `gh` goes there by itself.
  const GH_HOST = tokens.has('github.com') ? undefined : items[0]?.host
  const variables = items.map(({ host }) => [ghVariable(host), tokens.get(host)] as const)
  const oneEach = new Set(variables.map(([name]) => name)).size === variables.length
  if (oneEach && items.every(({ detail }) => kept.lasts(detail))) {
    for (const { detail } of items) kept.pin(detail)
    return { ...Object.fromEntries(variables), GH_HOST }
  }
  const write = () => writeHosts(folder, tokens)
  // One after the other: each renames its file to the same name.
  let written = write()
  for (const { detail, host } of items)
    kept.follow(detail, (next) => {
      tokens.set(host, tokenOf(next))
      written = written.then(write).catch(() => undefined)
    })
  await written
  return { GH_HOST }
}

/** `gh help environment`: one is offered to github.com and what is under ghe.com, the other to all others. */
export function ghVariable(host: string): 'GH_TOKEN' | 'GH_ENTERPRISE_TOKEN' {
  return /^(?:github\.com|.+\.ghe\.com)$/.test(host) ? 'GH_TOKEN' : 'GH_ENTERPRISE_TOKEN'
}

function tokenOf({ credential: { token } }: KeptCredential): string {
  if (typeof token === 'string' && /^[\w.-]+$/.test(token)) return token
  throw new TypeError('the broker answered with no token that `gh` takes')
}

/** As `gh auth login --insecure-storage` leaves it, in the form since 2.40 and in that before at once. */
async function writeHosts(folder: string, tokens: ReadonlyMap<string, string>): Promise<void> {
  const hosts = [...tokens].map(
    ([host, token]) => `${host}:
    oauth_token: ${token}
    user: x-access-token
    git_protocol: https
    users:
        x-access-token:
            oauth_token: ${token}
`,
  )
  const file = join(folder, 'hosts.yml')
  // Whole at any time: a tool may be reading it.
  const next = `${file}.next`
  await writeFile(next, hosts.join(''), { mode: 0o600 })
  await rename(next, file)
}

/** Of a version since 2.40, `gh` would else rewrite its files to what these are already. */
export async function writeGhConfig(folder: string): Promise<void> {
  const file = join(folder, 'config.yml')
  await writeFile(file, 'version: "1"\n')
  await chmod(file, 0o600)
}
