import type { SandboxVault } from '../vault.ts'
import type { Attempt, Credential, Lifecycle } from '../lifecycle.ts'

/** Vault, by policies: an agent reads what a CI job needs with a token of its task's own. */
export function vaultTokenLifecycle({ url }: SandboxVault): Lifecycle {
  const path = 'secret/data/ci/npm'
  const read = async (credential: Credential): Promise<Attempt> => {
    const headers = { 'X-Vault-Token': String(credential['token']) }
    const response = await fetch(`${url}/v1/${path}`, { headers })
    await response.body?.cancel()
    // The token's policy allows this path, so a 403 is about the token.
    return attempt(`GET ${path}`, response.status, response.ok, 403)
  }
  return {
    endings: ['completed'],
    scope: { type: 'vault', policies: ['ci-read'] },
    forbidden: { type: 'vault', policies: ['ci-write'] },
    attempt: read,
    work: async (credential) => [await read(credential)],
  }
}

/** Vault, by path: an agent logs in to a database as a user who exists for its task alone. */
export function vaultDatabaseLifecycle({ url }: SandboxVault): Lifecycle {
  const logIn = async (credential: Credential): Promise<Attempt> => {
    const body = JSON.stringify(credential['data'])
    const response = await fetch(`${url}/database/login`, { method: 'POST', body })
    await response.body?.cancel()
    return attempt('log in to the database', response.status, response.ok, 401)
  }
  return {
    endings: ['expired'],
    scope: { type: 'vault', path: 'database/creds/readonly' },
    attempt: logIn,
    work: async (credential) => [await logIn(credential)],
  }
}

function attempt(request: string, status: number, ok: boolean, dead: number): Attempt {
  return { request, status, outcome: ok ? 'accepted' : status === dead ? 'refused' : 'unclear' }
}
