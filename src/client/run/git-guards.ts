/**
 * What git starts to reach a server, replaced for the time of a run
 * (docs/decisions/0019). Here, and nowhere before, the address is what git has made of it, and whatever of its many
 * settings would outrank the task's credential can be outranked in turn: a remote
 * with a password in it, `insteadOf`, a header or helper for a narrower address,
 * `-c` on the command line, a key for SSH.
 */
import { spawnSync } from 'node:child_process'
import { chmod, mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Environment } from './ambient.ts'
import type { GitSetup } from './git-config.ts'
import { quoted } from './shell.ts'

/** Puts them into `directory`. Returns the variables by which git finds them. */
export async function gitGuards(directory: string, git: GitSetup, parent: Environment): Promise<Environment> {
  const ssh = join(directory, 'ssh')
  await writeScript(ssh, sshGuard(git.hosts, parent['GIT_SSH_COMMAND']))
  const commands = {
    GIT_SSH_COMMAND: quoted(ssh),
    // Git knows the kinds of SSH by name, and this is none that it knows.
    GIT_SSH_VARIANT: parent['GIT_SSH_VARIANT'] ?? 'ssh',
  }
  const real = execPath(parent)
  if (real === undefined) return commands
  const own = join(directory, 'git-core')
  await mkdir(own)
  const replaced = new Set(['git-remote-http', 'git-remote-https'])
  for (const name of await readdir(real))
    if (!replaced.has(name)) await symlink(join(real, name), join(own, name))
  for (const name of replaced) await writeScript(join(own, name), httpGuard(join(real, name), git))
  return { ...commands, GIT_EXEC_PATH: own }
}

/** Where git keeps its own programs; undefined where there is no git. */
function execPath(env: Environment): string | undefined {
  const { status, stdout } = spawnSync('git', ['--exec-path'], { env, encoding: 'utf8' })
  return status === 0 ? stdout.trimEnd() : undefined
}

async function writeScript(file: string, text: string): Promise<void> {
  await writeFile(file, text)
  await chmod(file, 0o700)
}

const patterns = (words: readonly string[]) => words.map(quoted).join('|')

/**
 * gitremote-helpers(7): it is called with the name of the remote and its address.
 * What `git -c` would set is in GIT_CONFIG_PARAMETERS, which comes last of all and
 * quotes as a shell does. The whole address is the narrowest that a setting can be for.
 */
function httpGuard(real: string, { hosts, helper }: GitSetup): string {
  return `#!/bin/sh
remote=$1 url=\${2-$1}
scheme=\${url%%://*}
rest=\${url#*://}
authority=\${rest%%[/?#]*}
host=$(printf %s "\${authority##*@}" | tr '[:upper:]' '[:lower:]')
case $scheme in
https) host=\${host%:443} ;;
http) host=\${host%:80} ;;
esac
case $scheme://$host in
${patterns(hosts)}) ;;
*) exec ${quoted(real)} "$@" ;;
esac

clean=$scheme://$host\${rest#"$authority"}
case $clean in
*"'"* | *[[:space:]]*)
  echo 'mayfly: an address with quotes or spaces is not asked with a credential' >&2
  exit 128
  ;;
esac
if [ "$remote" = "$url" ]; then remote=$clean; fi
set_for_it() {
  GIT_CONFIG_PARAMETERS="\${GIT_CONFIG_PARAMETERS:+$GIT_CONFIG_PARAMETERS }'$1.$clean.$2'=$3"
}
set_for_it http extraHeader "''"
set_for_it http emptyAuth "'true'"
set_for_it credential helper "''"
set_for_it credential helper ${quoted(quoted(helper))}
set_for_it credential useHttpPath "'true'"
export GIT_CONFIG_PARAMETERS
exec ${quoted(real)} "$remote" "$clean"
`
}

/** It is called as ssh(1) is; the last two words are the host, and the command to run there. */
function sshGuard(hosts: readonly string[], original: string | undefined): string {
  const names = hosts.map((host) => new URL(host).hostname)
  // "Using SSH over the HTTPS port": the same service under another name.
  const all = names.includes('github.com') ? [...names, 'ssh.github.com'] : names
  return `#!/bin/sh
for word in "$@"; do
  host=$command
  command=$word
done
named=\${host##*@}
# A name of ~/.ssh/config may stand for any host.
actual=$(ssh -G "$host" 2>/dev/null | sed -n 's/^hostname //p')
for name in "$named" "\${actual:-$named}"; do
  case $(printf %s "$name" | tr '[:upper:]' '[:lower:]') in
  ${patterns(all)})
    echo "mayfly: git would reach $name over SSH, with a login that is not the task's" >&2
    echo "  Use https://$name/OWNER/REPOSITORY, or keep SSH with --keep-env GIT_SSH_COMMAND." >&2
    exit 128
    ;;
  esac
done

original=${original === undefined ? '$(git config core.sshCommand)' : quoted(original)}
if [ -n "$original" ]; then exec sh -c "$original \\"\\$@\\"" "$original" "$@"; fi
exec "\${GIT_SSH:-ssh}" "$@"
`
}
