/**
 * The task's credentials for the tools that ask for theirs in ways of their own. Of several items
 * that are for one tool the first is what it uses by itself; how it uses another is said.
 */
import type { AuthorizationDetail, Task } from '../client.ts'
import type { KeptCredentials } from '../kept.ts'
import { githubItems } from '../scope.ts'
import type { Environment } from './ambient.ts'
import { serveAws } from './aws.ts'
import { ghVariable, loginGh } from './gh.ts'
import { noSecrets, serveSecrets } from './secrets.ts'
import { loginVault } from './vault.ts'

/** A tool for which the scope holds several items. */
export interface Choice {
  tool: 'gh' | 'aws' | 'vault'
  /** The one first that the tool uses by itself. `use`: its profile, or else the variable that is to hold its token. */
  items: { detail: AuthorizationDetail; use: { profile: string } | { variable: string } }[]
}

export interface Tools extends Disposable {
  env: Environment
  choices: Choice[]
}

export interface Equipment {
  kept: KeptCredentials
  /** The run's own folder, and what `gh` finds there. */
  directory: string
  ghFolder: string
  /** How this program is called, in words. */
  program: readonly string[]
  /** How the command line writes a detail. */
  scopeText: (detail: AuthorizationDetail) => string
  /** Whether to serve them at an address, too. */
  secrets: boolean
  /** Ends the wait for the first of each. */
  signal: AbortSignal
}

/** What `active` has for each tool. */
export async function equipTools(active: Task, equipment: Equipment): Promise<Tools> {
  const opened: Disposable[] = []
  const close = () => {
    for (const each of opened) each[Symbol.dispose]()
  }
  try {
    return { ...(await equip(active, equipment, opened)), [Symbol.dispose]: close }
  } catch (error) {
    // What listens would keep the process from ending.
    close()
    throw error
  }
}

async function equip(
  active: Task,
  { kept, directory, ghFolder, program, scopeText, secrets, signal }: Equipment,
  opened: Disposable[],
): Promise<Pick<Tools, 'env' | 'choices'>> {
  const env: Environment = { ...noSecrets }
  const choices: Choice[] = []
  const offer = (tool: Choice['tool'], items: Choice['items']) =>
    items.length > 1 && choices.push({ tool, items })

  const github = githubItems(active).flatMap(({ detail, host }) => (host === null ? [] : [{ detail, host }]))
  if (github.length > 0) {
    const first = new Map(github.toReversed().map((item) => [item.host, item]))
    const ofEachHost = github.filter((item) => first.get(item.host) === item)
    Object.assign(env, await loginGh(ghFolder, ofEachHost, kept, signal))
    for (const { host } of ofEachHost)
      offer(
        'gh',
        github
          .filter((item) => item.host === host)
          .map(({ detail }) => ({ detail, use: { variable: ghVariable(host) } })),
      )
  }

  const [aws, ...moreAws] = active.authorization_details.filter(({ type }) => type === 'aws')
  if (aws) {
    const details = [aws, ...moreAws] as const
    const { region } = (await kept.get(aws, { signal })).credential
    const access = await serveAws(directory, details, {
      region: typeof region === 'string' ? region : undefined,
      get: () => kept.get(aws),
      command: (detail) => [...program, 'aws-credentials', '--scope', scopeText(detail)],
    })
    Object.assign(env, access.env)
    kept.follow(aws)
    opened.push(access)
    offer(
      'aws',
      details.map((detail, index) => ({ detail, use: { profile: access.profiles[index]! } })),
    )
  }

  const vault = active.authorization_details.filter(
    (detail) => detail.type === 'vault' && 'policies' in detail,
  )
  const [first] = vault
  if (first) {
    const command = [...program, 'token', '--scope', scopeText(first)]
    Object.assign(env, await loginVault(directory, first, { kept, command, signal }))
    offer(
      'vault',
      vault.map((detail) => ({ detail, use: { variable: 'VAULT_TOKEN' } })),
    )
  }

  if (secrets) {
    const served = await serveSecrets({
      details: active.authorization_details,
      scopeText,
      get: (detail) => kept.get(detail),
    })
    Object.assign(env, served.env)
    opened.push(served.endpoint)
  }
  return { env, choices }
}
