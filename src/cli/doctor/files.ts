import { statSync } from 'node:fs'
import type { Configuration } from '../../config.ts'
import { namedFiles } from '../../config/named.ts'
import type { Check } from './check.ts'

/** Whether somebody else could put their own secrets, rules or store in the place of ours. */
export function checkFiles({ file, store }: Configuration): Check[] {
  // Windows has no such modes.
  if (process.platform === 'win32') return []
  const { secrets, rules } = namedFiles(file)
  const paths = [file, ...secrets, ...rules, ...(store.kind === 'sqlite' ? [store.path] : [])]
  const open = [...new Set(paths)].filter(othersMayWrite)
  if (open.length > 0)
    return open.map((path) => ({
      check: 'files',
      status: 'fault',
      message: `${path} can be changed by every user of this machine`,
      remedy: `Run: chmod o-w ${path}`,
    }))
  return [
    { check: 'files', status: 'ok', message: 'no other user can change the configuration or its secrets' },
  ]
}

function othersMayWrite(path: string): boolean {
  const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0
  return (mode & 0o002) !== 0
}
