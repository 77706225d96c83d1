/**
 * A credential helper for git (gitcredentials(7), git-credential(1)): a token
 * for one repository, minted in the task that git runs in.
 */
import { type GitTokens, NoGitCredential } from './git-tokens.ts'

export interface GitCredentialSources {
  /** @throws where there is no task; called only when git's host is one of `hosts`. */
  tokens: () => Pick<GitTokens, 'get' | 'erase'>
  /** The only origins that are answered, `https://github.com`: a token must never go to another server. */
  hosts: readonly string[]
}

/**
 * Answers one call of git's: `input` is what git writes, `key=value` lines, and
 * the promise what git is to read, `''` for nothing.
 *
 * `get` answers with a token for the repository; `erase`, when a server has
 * refused it, gives it back. Anything else is ignored, as the protocol has it; so
 * is a host that is not ours, for which git then asks others.
 *
 * @throws NoGitCredential, BrokerProblem, BrokerUnreachable
 */
export async function gitCredential(
  action: string,
  input: string,
  { tokens, hosts }: GitCredentialSources,
): Promise<string> {
  const wanted = parse(input)
  const origin = originOf(wanted)
  if (!['get', 'erase'].includes(action) || !hosts.includes(origin)) return ''
  if (action === 'get') {
    const { token, until } = await tokens().get(origin, repositoryOf(wanted['path']))
    return `username=x-access-token\npassword=${token}\npassword_expiry_utc=${Math.floor(until / 1000)}\n`
  }
  const { password } = wanted
  if (password !== undefined) await tokens().erase(password)
  return ''
}

type Wanted = Record<string, string | undefined>

function parse(input: string): Wanted {
  const [block = ''] = input.split('\n\n', 1)
  const pairs = block.split('\n').map((line) => {
    const at = line.indexOf('=')
    return [line.slice(0, Math.max(at, 0)), line.slice(at + 1)] as const
  })
  return Object.fromEntries(pairs)
}

/** RFC 9110 §4.2.3: a scheme's default port is the same as none. */
function originOf({ protocol, host }: Wanted): string {
  const at = host?.toLowerCase()
  if (protocol === 'https') return `https://${at?.replace(/:443$/, '')}`
  return `${protocol}://${at?.replace(/:80$/, '')}`
}

/**
 * `acme/web`, of `acme/Web.git` or what lies below it (LFS), and of its wiki: that
 * is a repository beside it, under the same permissions, whose name no other can have.
 */
function repositoryOf(path: string | undefined): string {
  const [, owner, name] = /^([^/]+)\/([^/]+?)(?:\.wiki)?(?:\.git)?(?:\/.*)?$/.exec(path ?? '') ?? []
  if (owner !== undefined && name !== undefined) return `${owner}/${name}`.toLowerCase()
  throw path
    ? new NoGitCredential('the path of this address is not OWNER/REPOSITORY', "Correct the remote's address.")
    : new NoGitCredential(
        'git does not tell which repository this is for',
        'Set `credential.useHttpPath` to true for this host.',
      )
}
