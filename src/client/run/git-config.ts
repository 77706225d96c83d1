/** How git, and what asks git for its credentials, are told of the task's helper: by environment, leaving no file behind. */
import type { Environment } from './ambient.ts'

/** How git in the child comes by credentials. */
export interface GitSetup {
  /** Web origins, `https://github.com`. */
  hosts: readonly string[]
  /** The credential helper, as git's configuration has it: `!` and a line for sh. */
  helper: string
}

/** The first number that is free after a `GIT_CONFIG_COUNT`. @throws TypeError for one that git would not take either. */
export function firstFree(count = ''): number {
  if (!/^\d*$/.test(count)) throw new TypeError('GIT_CONFIG_COUNT is set, and is not a number')
  return Number(count)
}

/**
 * git-config(1), "ENVIRONMENT": these come after every file. `owners` are those
 * that the task's scope names.
 *
 * @throws TypeError for a `GIT_CONFIG_COUNT` that git would not take either.
 */
export function gitConfiguration(
  before: string | undefined,
  { hosts, helper }: GitSetup,
  owners: readonly string[],
): Environment {
  const first = firstFree(before)
  const settings = hosts.flatMap((host) => [
    // An empty value drops the helpers named before: a login that outlives the task is not for the task to use.
    [`credential.${host}.helper`, ''],
    [`credential.${host}.helper`, helper],
    [`credential.${host}.useHttpPath`, 'true'],
    // The same for the header with which `actions/checkout` leaves the job's own token in a repository.
    [`http.${host}/.extraHeader`, ''],
    // By default curl looks for a login in ~/.netrc, and git asks its helpers only when that is refused.
    [`http.${host}/.emptyAuth`, 'true'],
    ...insteadOf(host, owners),
  ])
  const numbered = settings.flatMap(([key, value], index) => [
    [`GIT_CONFIG_KEY_${first + index}`, key],
    [`GIT_CONFIG_VALUE_${first + index}`, value],
  ])
  return { ...Object.fromEntries(numbered), GIT_CONFIG_COUNT: String(first + settings.length) }
}

/**
 * Over SSH there is no task's credential, so that such an address stands for the
 * one that has it. Of several rewritings the longest match wins: the owners' own
 * outdo one of the whole host, which many have to SSH.
 */
function insteadOf(host: string, owners: readonly string[]): [string, string][] {
  const { hostname } = new URL(host)
  return [
    [`url.${host}/.insteadOf`, `git@${hostname}:`],
    [`url.${host}/.insteadOf`, `ssh://git@${hostname}/`],
    ...owners.flatMap((owner): [string, string][] => [
      [`url.${host}/${owner}/.insteadOf`, `${host}/${owner}/`],
      [`url.${host}/${owner}/.pushInsteadOf`, `${host}/${owner}/`],
    ]),
  ]
}
