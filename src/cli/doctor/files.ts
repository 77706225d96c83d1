import { existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Configuration } from '../../config/load.ts'
import { remedyFor } from '../../config/file-modes.ts'
import { namedFiles } from '../../config/named.ts'
import { isOpenToOthers, storeFiles } from '../../store/files.ts'
import { writable } from '../../store/files.ts'
import type { Check } from './check.ts'

/** Whether somebody else could put their own secrets, rules or store in the place of ours, or look into the store. */
export function checkFiles({ file, store, audit }: Configuration): Check[] {
  // Windows has no such modes.
  if (process.platform === 'win32') return []
  const { secrets, rules } = namedFiles(file)
  const own = [
    ...(store.kind === 'sqlite' ? storeFiles(store.path) : []),
    ...(audit.lastHead ? [audit.lastHead] : []),
  ]
  const changeable = [...new Set([file, ...secrets, ...rules, ...own])].filter(othersMayWrite)
  const readable = own.filter((path) => isOpenToOthers(path) && !changeable.includes(path))
  const found: Check[] = [
    ...changeable.map((path) => ({
      check: 'files',
      status: 'fault' as const,
      message: `${path} can be changed by every user of this machine`,
      remedy: `Run: chmod o-w ${path}`,
    })),
    ...readable.map((path) => ({
      check: 'files',
      status: 'warning' as const,
      message: `${path} is open to others than its owner`,
      remedy: `The next start closes it where it is the broker's own. ${remedyFor(path, statSync(path).uid, { needs: 'to write' })}`,
    })),
    ...checkLastHead(audit.lastHead),
  ]
  if (found.length > 0) return found
  return [
    {
      check: 'files',
      status: 'ok',
      message: 'no other user can change the configuration or its secrets, or read the store',
    },
  ]
}

/** Without it a store that is put back to an earlier state looks like the newest. */
function checkLastHead(path: string | undefined): Check[] {
  const remedy = 'Name a file that the broker can write, away from the store, as `audit.last_head`.'
  if (path === undefined)
    return [
      {
        check: 'files',
        status: 'warning',
        message: 'no head of the record is kept outside the store, for the seal key is no file',
        remedy,
      },
    ]
  if (writable(existsSync(path) ? path : dirname(path))) return []
  return [
    {
      check: 'files',
      status: 'warning',
      message: `this user cannot write ${path}, which keeps the last head`,
      remedy,
    },
  ]
}

function othersMayWrite(path: string): boolean {
  const mode = statSync(path, { throwIfNoEntry: false })?.mode ?? 0
  return (mode & 0o002) !== 0
}
