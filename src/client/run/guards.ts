/** What keeps the tools of a run from logins that lie in files: a folder of this run's own, and variables that lead there. */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { devNull, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Environment } from './ambient.ts'
import type { GitSetup } from './git-config.ts'
import { gitGuards } from './git-guards.ts'
import { socketVariable } from './git-socket.ts'

export interface Guards extends AsyncDisposable {
  /** Where git's helper asks for tokens. */
  socket: string
  env: Environment
}

export async function setGuards(git: GitSetup, parent: Environment): Promise<Guards> {
  const directory = await mkdtemp(join(tmpdir(), 'mayfly-run-'))
  const remove = () => rm(directory, { recursive: true, force: true })
  // Nobody else can reach it there.
  const socket = join(directory, 'socket')
  try {
    const env = {
      [socketVariable]: socket,
      ...aws,
      ...(await gh(directory)),
      ...(await vault(directory)),
      ...(await gitGuards(directory, git, parent)),
    }
    return { socket, env, [Symbol.asyncDispose]: remove }
  } catch (error) {
    await remove()
    throw error
  }
}

/** "AWS SDKs and Tools", credential provider chain: files, then the machine's own role. */
const aws = {
  AWS_CONFIG_FILE: devNull,
  AWS_SHARED_CREDENTIALS_FILE: devNull,
  AWS_EC2_METADATA_DISABLED: 'true',
}

/** `gh help environment`: the stored login lies there, or the name by which it is found in a keyring. */
async function gh(directory: string): Promise<Environment> {
  const folder = join(directory, 'gh')
  await mkdir(folder)
  return { GH_CONFIG_DIR: folder }
}

/** Vault's "Token helpers": without one of its own, the command line reads ~/.vault-token. */
async function vault(directory: string): Promise<Environment> {
  const [helper, file] = [join(directory, 'no-vault-token'), join(directory, 'vault.hcl')]
  await writeFile(helper, '#!/bin/sh\nexit 0\n')
  await chmod(helper, 0o700)
  await writeFile(file, `token_helper = ${JSON.stringify(helper)}\n`)
  return { VAULT_CONFIG_PATH: file, BAO_CONFIG_PATH: file }
}
