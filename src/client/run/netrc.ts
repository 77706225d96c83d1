import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** The hosts among `hosts` (web origins) for which ~/.netrc holds a login. Git is kept from it; `curl -n` and git-lfs are not. */
export function netrcLogins(
  home: string = homedir(),
  hosts: readonly string[],
): { file: string; host: string }[] {
  const file = join(home, '.netrc')
  let words: string[]
  try {
    words = readFileSync(file, 'utf8').split(/\s+/)
  } catch {
    return []
  }
  const machines = new Set(words.filter((_, index) => words[index - 1] === 'machine'))
  return hosts
    .map((origin) => new URL(origin).hostname)
    .filter((host) => machines.has(host) || words.includes('default'))
    .map((host) => ({ file, host }))
}
