/** What keeps the tools of a run from logins that lie in files: a folder of this run's own, and variables that lead there. */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { Environment } from './ambient.ts'
import { awsGuards } from './aws.ts'
import { writeGhConfig } from './gh.ts'
import type { GitSetup } from './git-config.ts'
import { gitGuards } from './git-guards.ts'
import { socketVariable } from './git-socket.ts'
import { quoted } from './shell.ts'
import { vaultGuards } from './vault.ts'

export interface Guards extends AsyncDisposable {
  /** The run's own folder, which nobody else can enter. */
  directory: string
  /** Where what the tools call asks for credentials. */
  socket: string
  /** What GH_CONFIG_DIR names. */
  ghFolder: string
  env: Environment
}

/** `program`: how this program is called, in words. */
export async function setGuards(
  git: GitSetup,
  program: readonly string[],
  parent: Environment,
): Promise<Guards> {
  const directory = await mkdtemp(join(tmpdir(), 'mayfly-run-'))
  const remove = () => rm(directory, { recursive: true, force: true })
  const [socket, ghFolder] = [join(directory, 'socket'), join(directory, 'gh')]
  try {
    const env = {
      [socketVariable]: socket,
      PATH: await ourselves(directory, program, parent['PATH']),
      ...awsGuards,
      ...(await gh(ghFolder)),
      ...(await vaultGuards(directory)),
      ...(await gitGuards(directory, git, parent)),
    }
    return { directory, socket, ghFolder, env, [Symbol.asyncDispose]: remove }
  } catch (error) {
    await remove()
    throw error
  }
}

/** The PATH on which the command finds `mayfly`, wherever this is installed, and Docker its helper: behind all that it has. */
async function ourselves(directory: string, program: readonly string[], path = ''): Promise<string> {
  const folder = join(directory, 'bin')
  await mkdir(folder)
  const programs = { mayfly: program, 'docker-credential-mayfly': [...program, 'docker-credential'] }
  for (const [name, words] of Object.entries(programs)) {
    const file = join(folder, name)
    await writeFile(file, `#!/bin/sh\nexec ${words.map(quoted).join(' ')} "$@"\n`)
    await chmod(file, 0o700)
  }
  return [...(path === '' ? [] : [path]), folder].join(delimiter)
}

/** `gh help environment`: the stored login lies there, or the name by which it is found in a keyring. */
async function gh(folder: string): Promise<Environment> {
  await mkdir(folder)
  await writeGhConfig(folder)
  return { GH_CONFIG_DIR: folder }
}
