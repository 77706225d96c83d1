/** Files that the configuration is made of. Reading them is bounded, whatever they are. */
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import type { Fault } from '../base/fault.ts'

/** Bytes, and for a directory files. */
export const limits = {
  configuration: 1024 * 1024,
  agent: 64 * 1024,
  policy: 256 * 1024,
  /** A key, a token, a bundle of certificates. */
  secret: 1024 * 1024,
  files: 10_000,
}

/** Why a file could not be used: a fault without its place. */
export class Unreadable extends Error {
  readonly remedy: string

  constructor(message: string, remedy: string) {
    super(message)
    this.name = 'Unreadable'
    this.remedy = remedy
  }
}

/** Paths in a configuration are relative to its file. */
export function located(file: string, path: string): string {
  return isAbsolute(path) ? path : join(dirname(file), path)
}

/** UTF-8 text of at most `limit` bytes. @throws Unreadable */
export function readText(path: string, limit: number): string {
  let bytes: Buffer
  try {
    const stat = statSync(path)
    // A pipe or a device has no size, and reading it may never end.
    if (!stat.isFile()) throw new Unreadable('is not a regular file', 'Name a regular file.')
    if (stat.size > limit) throw tooLarge(limit)
    bytes = readFileSync(path)
  } catch (error) {
    throw unreadable(error)
  }
  if (bytes.length > limit) throw tooLarge(limit)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new Unreadable('is not UTF-8', 'Save it as UTF-8.')
  }
  requireLegible(text)
  return text
}

/** What turns the direction of writing makes a policy read otherwise than it is evaluated (CVE-2021-42574). */
function requireLegible(text: string): void {
  const turn = /[\u202a-\u202e\u2066-\u2069]/.exec(text)
  if (!turn) return
  const line = text.slice(0, turn.index).split('\n').length
  const code = turn[0].charCodeAt(0).toString(16).toUpperCase()
  throw new Unreadable(
    `shows on line ${line} something else than it says: U+${code} turns the direction of writing`,
    'Remove that character.',
  )
}

/**
 * The paths of the files in `directory` that end in `ending`, sorted. What would
 * be taken for one of them and is not read is a fault: a policy that forbids,
 * and is not read, permits.
 *
 * @throws Unreadable
 */
export function listFiles(directory: string, ending: '.yaml' | '.cedar', faults: Fault[]): string[] {
  const wanted: string[] = []
  for (const name of namesIn(directory)) {
    const file = join(directory, name)
    if (statSync(file, { throwIfNoEntry: false })?.isDirectory())
      faults.push({
        file,
        path: '',
        message: 'directories are not read',
        remedy: `Move its files to ${directory}.`,
      })
    else if (name.endsWith(ending)) wanted.push(file)
    else if (lookAlikes[ending].test(name))
      faults.push({
        file,
        path: '',
        message: `only *${ending} is read here`,
        remedy: `Rename it to end in ${ending}.`,
      })
  }
  if (wanted.length > limits.files)
    throw new Unreadable(`holds more than ${limits.files} files`, 'Split the installation.')
  return wanted
}

const lookAlikes = { '.yaml': /\.ya?ml$/i, '.cedar': /\.cedar$/i }

/** Without those that begin with a dot: editors' files, and the machinery of mounted Kubernetes volumes. */
function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => !name.startsWith('.'))
      .toSorted()
  } catch (error) {
    throw unreadable(error)
  }
}

function tooLarge(limit: number): Unreadable {
  return new Unreadable(`is larger than ${limit / 1024} KiB`, 'Make it smaller.')
}

/** In our own words, without the path: where a secret was pasted in place of one, the path is the secret. */
function unreadable(error: unknown): Unreadable {
  if (error instanceof Unreadable) return error
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
  if (code === 'ENOENT')
    return new Unreadable(
      'does not exist',
      'Create it, or correct the path; it is relative to the configuration.',
    )
  if (code === 'EACCES') return new Unreadable('may not be read', 'Let the user that runs Mayfly read it.')
  if (code === 'ENOTDIR') return new Unreadable('is not a directory', 'Name a directory.')
  return new Unreadable(`could not be read (${code})`, 'Correct the path.')
}
