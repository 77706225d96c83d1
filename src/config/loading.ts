/** What the parts of the compiler share while one configuration is read. */
import { basename } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { Clock } from '../base/clock.ts'
import type { Fault } from '../base/fault.ts'
import type { Digest } from './digest.ts'
import { outboundFetch } from '../outbound/fetch.ts'
import { pooledFetch } from '../outbound/pooled-fetch.ts'
import type { UpstreamFetch } from '../outbound/upstream-fetch.ts'
import { listFiles, located, readText, Unreadable } from './files.ts'
import { dotted, type Path } from './parse.ts'
import { readAuthorities } from './trust.ts'
import type { Secrets } from './secrets.ts'

type FetchWith<Fetch> = (ca: readonly string[] | undefined) => Fetch

/** What describing takes, of connections and of all that is decided with. */
export interface Reading {
  /** The configuration, as it was named. */
  readonly file: string
  /** Where each part puts what is wrong. */
  readonly faults: Fault[]
  readonly clock: Clock
  /** Where it is kept what was read, for a digest of it. */
  readonly digest?: Digest
}

type Place = Pick<Reading, 'file' | 'faults'>

/** What compiling something that can be called takes besides. */
export interface Loading extends Reading {
  readonly secrets: Secrets
  /** `fetch` with trust in the certificate authorities given, and no others. */
  readonly fetchWith: FetchWith<typeof globalThis.fetch>
  /** The same, for calls to upstreams. */
  readonly pooledWith: FetchWith<UpstreamFetch>
}

export function fault(reading: Place, at: Path, message: string, remedy: string): void {
  reading.faults.push({ file: reading.file, path: dotted(at), message, remedy })
}

/** A fault that does not stop the start. */
export function warn(reading: Place, at: Path, message: string, remedy: string): void {
  reading.faults.push({ file: reading.file, path: dotted(at), message, remedy, warning: true })
}

/** `fetchWith` and `pooledWith` as the environment has it; a proxy that is none is a fault. */
export function fetchIn(
  env: Record<string, string | undefined>,
  { file, faults }: Place,
): Pick<Loading, 'fetchWith' | 'pooledWith'> {
  const ways = (of: typeof env) => ({
    fetchWith: (ca?: readonly string[]) => outboundFetch({ env: of, ca }),
    pooledWith: (ca?: readonly string[]) => pooledFetch({ env: of, ca }),
  })
  try {
    outboundFetch({ env })
  } catch (error) {
    faults.push({ file, path: '', message: (error as Error).message, remedy: 'Correct it, or unset it.' })
    return ways({})
  }
  return ways(env)
}

/** `fetch` with trust in the CAs of the file that `ca` at `at` names, if it names one. */
export function fetchTrusting<Fetch>(
  loading: Loading,
  at: Path,
  ca: string | undefined,
  fetchWith: FetchWith<Fetch>,
): Fetch | undefined {
  if (ca === undefined) return fetchWith(undefined)
  const read = readable(loading, { at: [...at, 'ca'] }, () => readAuthorities(located(loading.file, ca)))
  return read && fetchWith(read)
}

/** Runs `read`; what it cannot read becomes a fault. */
export function readable<T>(
  reading: Place,
  place: { file?: string; at: Path; what?: string },
  read: () => T,
): T | undefined {
  const { file = reading.file, at, what = 'file' } = place
  try {
    return read()
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    reading.faults.push({
      file,
      path: dotted(at),
      message: `the ${what} ${error.message}`,
      remedy: error.remedy,
    })
    return undefined
  }
}

/** The files of the directory that the setting `key` names, one at a time. */
export async function* readDirectory(
  key: 'agents' | 'policies',
  directory: string | undefined,
  ending: '.yaml' | '.cedar',
  limit: number,
  reading: Reading,
): AsyncGenerator<{ file: string; text: string }> {
  if (directory === undefined) return
  const files = readable(reading, { at: [key], what: 'directory' }, () =>
    listFiles(located(reading.file, directory), ending, reading.faults),
  )
  for (const file of files ?? []) {
    // A reload reads thousands of files while requests are being served.
    await setImmediate()
    const text = readable(reading, { file, at: [] }, () => readText(file, limit))
    if (text === undefined) continue
    reading.digest?.add(`${key}/${basename(file)}`, text)
    yield { file, text }
  }
}
