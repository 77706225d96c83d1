/** Files of this user's alone, under the XDG directory: logins, and what is known of brokers. */
import { randomUUID } from 'node:crypto'
import { closeSync, constants, fstatSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'

export type Environment = Record<string, string | undefined>

/** A file, or the folder of one, that somebody else could have written or can read. */
export class UnsafeFile extends Error {
  readonly remedy: string

  constructor(path: string, what: string, remedy: string) {
    super(`${path} ${what}`)
    this.name = 'UnsafeFile'
    this.remedy = remedy
  }
}

/** `$XDG_CONFIG_HOME/mayfly`, or `~/.config/mayfly`; undefined where the environment names no home. */
export function directoryIn({ XDG_CONFIG_HOME: config, HOME: home }: Environment): string | undefined {
  // XDG Base Directory Specification: a path that is not absolute is to be ignored.
  if (config && isAbsolute(config)) return join(config, 'mayfly')
  return home && isAbsolute(home) ? join(home, '.config', 'mayfly') : undefined
}

const longest = 1_048_576
const others = 0o077

/**
 * What the file holds; undefined where there is none. Whoever could have put a link in its place
 * could have this user log in as somebody else, or send a token elsewhere.
 *
 * @throws UnsafeFile
 */
export function readPrivate(path: string): string | undefined {
  let file: number
  try {
    // Never through a link, and never waiting for whoever writes into a pipe.
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    const what = code === 'ELOOP' ? 'is a symbolic link' : `cannot be read (${code})`
    throw new UnsafeFile(path, what, 'Look who put it there, remove it, and log in again.')
  }
  try {
    const { mode, uid, size, nlink } = fstatSync(file)
    if ((mode & constants.S_IFMT) !== constants.S_IFREG || nlink !== 1 || size > longest)
      throw new UnsafeFile(path, 'is not the file that was written there', 'Remove it, and log in again.')
    if (isOthers(uid) || (isPosix && (mode & others) !== 0))
      throw new UnsafeFile(
        path,
        'is open to others than this user',
        'Log out, remove it, and log in again: others may have read it.',
      )
    return readFileSync(file, 'utf8')
  } finally {
    closeSync(file)
  }
}

/** Replaces the file as a whole: who reads it has the one or the other, also after a crash. @throws UnsafeFile */
export async function writePrivate(path: string, text: string): Promise<void> {
  makePrivate(join(path, '..'))
  const draft = `${path}.${randomUUID()}`
  try {
    const file = await open(draft, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    // A link that stands there is replaced, not followed.
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}

/** @throws UnsafeFile where others could put files into the folder. */
export function makePrivate(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const { mode, uid } = statSync(directory)
  if (isOthers(uid) || (isPosix && (mode & 0o022) !== 0))
    throw new UnsafeFile(
      directory,
      'is a folder that others than this user may write in',
      'Make it this user’s own, with mode 0700.',
    )
}

const isPosix = process.getuid !== undefined

function isOthers(uid: number): boolean {
  return isPosix && uid !== process.getuid!()
}
