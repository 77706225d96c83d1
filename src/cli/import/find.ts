/** Where trust policies lie in a directory: checkouts of repositories, or one of them. */
import { readFile, readdir } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import type { Place } from './trust-policy.ts'

export interface Found {
  /** Relative to the directory. */
  file: string
  text: string
  /** Undefined where nothing tells whose repository it is. */
  place: Place | undefined
}

const policySuffix = '.sts.yaml'
const folder = join('.github', 'chainguard')
/** An organization's list of the issuers that its policies may name; it stands in OWNER/.github. */
const issuersFile = 'trusted-token-issuers.yaml'

/** `named`: `OWNER/REPO`, whose checkout the directory is. */
export async function findPolicies(
  directory: string,
  named: string | undefined,
): Promise<{ policies: Found[]; issuerLists: Found[] }> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .filter((file) => !file.split(sep).some((part) => part === 'node_modules' || part === '.git'))
    .filter((file) => {
      const at = dirname(file)
      return at === '.' || at === folder || at.endsWith(`${sep}${folder}`)
    })
    .toSorted()
  const found = async (file: string): Promise<Found> => {
    const identity = basename(file).replace(policySuffix, '')
    const repository = await repositoryOf(directory, file, named)
    const [owner, name] = repository?.split('/') ?? []
    const place = owner && name ? { file, owner, repository: name, identity } : undefined
    return { file, text: await readFile(join(directory, file), 'utf8'), place }
  }
  return {
    policies: await Promise.all(files.filter((file) => file.endsWith(policySuffix)).map(found)),
    issuerLists: await Promise.all(files.filter((file) => basename(file) === issuersFile).map(found)),
  }
}

/** What is named, what git says of the checkout, or the two folders above, `OWNER/REPO`. Never a guess: a policy opens a repository. */
async function repositoryOf(directory: string, file: string, named?: string): Promise<string | undefined> {
  const at = dirname(file)
  const root = at === '.' ? '' : at.slice(0, -folder.length).replace(/[/\\]$/, '')
  if (root === '' && named !== undefined) return named
  const origin = await originOf(resolve(directory, root))
  if (origin !== undefined) return origin
  const above = root.split(sep)
  return above.length === 2 ? above.join('/') : undefined
}

async function originOf(checkout: string): Promise<string | undefined> {
  const text = await readFile(join(checkout, '.git', 'config'), 'utf8').catch(() => '')
  const [, remote = ''] = /^\[remote "origin"\]\s*\n((?:\s+.*\n?)*)/m.exec(text) ?? []
  const [, name] = /^\s*url\s*=\s*\S*github\.com[/:]([^/\s]+\/[^/\s]+?)(?:\.git)?\/?\s*$/m.exec(remote) ?? []
  return name
}
