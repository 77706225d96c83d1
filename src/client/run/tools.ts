/**
 * Credentials for tools that cannot ask for one: each has the task's from the
 * start, in its own variables. A tool for which the scope holds several has none:
 * which of them it would want cannot be known.
 */
import type { AuthorizationDetail, Client, MintedCredential, Task, TaskAccess } from '../client.ts'
import type { Environment } from './ambient.ts'

interface Item {
  detail: AuthorizationDetail
  host: string | null
}

interface Tool {
  /** Which items of a scope could be for it. */
  fits: (item: Item) => boolean
  variables: (minted: MintedCredential) => Environment
}

const tools: Tool[] = [
  { fits: ({ detail, host }) => detail.type === 'github' && hostedByGithub(host), variables: ghVariables },
  {
    fits: ({ detail, host }) => detail.type === 'github' && host !== null && !hostedByGithub(host),
    variables: ({ credential, host }) => ({
      GH_ENTERPRISE_TOKEN: text(credential['token']),
      GH_HOST: host ?? undefined,
    }),
  },
  { fits: ({ detail }) => detail.type === 'aws', variables: awsVariables },
  { fits: ({ detail }) => detail.type === 'vault' && 'policies' in detail, variables: vaultVariables },
]

/** The variables for whatever tool `active` has something for. */
export async function equipTools(
  client: Client,
  task: TaskAccess,
  active: Task,
  signal: AbortSignal,
): Promise<Environment> {
  const items = active.authorization_details.map((detail, index) => ({
    detail,
    host: active.upstreams[index]?.host ?? null,
  }))
  const equipped = await Promise.all(
    tools.map(async ({ fits, variables }): Promise<Environment> => {
      const [item, ...more] = items.filter(fits)
      return item && more.length === 0
        ? variables(await client.credential(task, item.detail, { signal }))
        : {}
    }),
  )
  // The first one's word on GH_HOST counts: where there is a token for github.com, `gh` goes there by itself.
  return Object.assign({}, ...equipped.toReversed()) as Environment
}

function hostedByGithub(host: string | null): boolean {
  return host !== null && /^(?:github\.com|.+\.ghe\.com)$/.test(host)
}

/** `gh help environment`: GH_TOKEN is offered to github.com and what is under ghe.com, another variable to all others. */
function ghVariables({ credential, host }: MintedCredential): Environment {
  return {
    GH_TOKEN: text(credential['token']),
    GH_HOST: host === 'github.com' ? undefined : (host ?? undefined),
  }
}

/** "AWS SDKs and Tools", environment variables. */
function awsVariables({ credential }: MintedCredential): Environment {
  const region = text(credential['region'])
  return {
    AWS_ACCESS_KEY_ID: text(credential['access_key_id']),
    AWS_SECRET_ACCESS_KEY: text(credential['secret_access_key']),
    AWS_SESSION_TOKEN: text(credential['session_token']),
    AWS_REGION: region,
    AWS_DEFAULT_REGION: region,
  }
}

/** Vault's "Commands (CLI)", environment variables; OpenBao takes its own first. */
function vaultVariables({ credential }: MintedCredential): Environment {
  const [token, address] = [text(credential['token']), text(credential['address'])]
  return { VAULT_ADDR: address, VAULT_TOKEN: token, BAO_ADDR: address, BAO_TOKEN: token }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
