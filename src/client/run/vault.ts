/**
 * How `vault` and `bao` come by a token: in a variable where it lasts as long as the task, and
 * else from a token helper that asks the run each time (Vault's "Token helpers").
 */
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AuthorizationDetail } from '../client.ts'
import type { KeptCredentials } from '../kept.ts'
import type { Environment } from './ambient.ts'
import { quoted } from './shell.ts'

/** Without a helper of one's own, the command line reads ~/.vault-token. */
export async function vaultGuards(directory: string): Promise<Environment> {
  await writeHelper(directory, 'exit 0')
  const file = join(directory, 'vault.hcl')
  await writeFile(file, `token_helper = ${JSON.stringify(helperIn(directory))}\n`)
  return { VAULT_CONFIG_PATH: file, BAO_CONFIG_PATH: file }
}

/** `command`: what prints the token. */
export async function loginVault(
  directory: string,
  detail: AuthorizationDetail,
  { kept, command, signal }: { kept: KeptCredentials; command: readonly string[]; signal: AbortSignal },
): Promise<Environment> {
  const { credential } = await kept.get(detail, { signal })
  const [token, address, namespace] = ['token', 'address', 'namespace'].map((name) => credential[name])
  const lasts = kept.lasts(detail)
  if (!lasts) {
    await writeHelper(directory, asking(command))
    kept.follow(detail)
  }
  return both({
    ADDR: text(address),
    NAMESPACE: text(namespace),
    TOKEN: lasts ? text(token) : undefined,
    // An agent on this machine would answer in its place, with a token of its own.
    AGENT_ADDR: undefined,
  })
}

/** Vault's "Commands (CLI)", environment variables; OpenBao takes its own first. */
function both(variables: Environment): Environment {
  return Object.fromEntries(
    Object.entries(variables).flatMap(([name, value]) => [
      [`VAULT_${name}`, value],
      [`BAO_${name}`, value],
    ]),
  )
}

const helperIn = (directory: string) => join(directory, 'vault-token')

async function writeHelper(directory: string, script: string): Promise<void> {
  const file = helperIn(directory)
  await writeFile(file, `#!/bin/sh\n${script}\n`)
  await chmod(file, 0o700)
}

/** It is called with `get`, `store` or `erase`; the answer to the first is the token alone. */
function asking(command: readonly string[]): string {
  return `[ "$1" = get ] || exit 0
token=$(${command.map(quoted).join(' ')}) && printf %s "$token"`
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
