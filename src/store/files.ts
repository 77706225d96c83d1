/** The files of a SQLite store, for their owner alone: they hold every task, scope and fingerprint. */
import { accessSync, chmodSync, closeSync, constants, existsSync, openSync, statSync } from 'node:fs'
import type { Log } from '../base/log.ts'

/** SQLite makes its log and index with the mode of the database. */
const endings = ['', '-wal', '-shm', '-lock'] as const

export function storeFiles(path: string): string[] {
  return endings.map((ending) => path + ending)
}

/**
 * Makes the file where there is none, whatever the umask, and takes away what others may do
 * with one that is there. That one is not opened: closing it would drop the locks that this
 * process has on it (https://sqlite.org/howtocorrupt.html, §2.2).
 */
export function makePrivate(path: string, log: Log): void {
  if (!existsSync(path)) closeSync(openSync(path, 'wx', 0o600))
  tighten([path], log)
}

/** Takes away what others may do with those of the files that are there. */
export function tighten(paths: readonly string[], log: Log): void {
  for (const path of paths.filter(isOpenToOthers))
    try {
      chmodSync(path, 0o600)
      log.warn({ path }, 'others could read or change this file; now only its owner can')
    } catch (error) {
      log.error({ err: error, path }, 'others can read or change this file, and that cannot be changed')
    }
}

/** Whether anybody but its owner may read or change it. */
export function isOpenToOthers(path: string): boolean {
  // Windows has no such modes.
  return (
    process.platform !== 'win32' && ((statSync(path, { throwIfNoEntry: false })?.mode ?? 0) & 0o077) !== 0
  )
}

/** Whether nothing is there; not where this user may not look. */
export function isNowhere(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) === undefined
  } catch {
    return false
  }
}

/** Whether this user may write the file, or in the directory. */
export function writable(path: string): boolean {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}
