/** One process at a time: a refresh token that two use at once ends the login at the issuer. */
import { randomUUID } from 'node:crypto'
import { link, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../base/clock.ts'
import { makePrivate } from './files.ts'

/** Whoever works under the lock touches it so often. */
const touchMs = 10_000
/** Not touched for so long, its holder is gone, or another process by now. */
const staleMs = 120_000
/** Longer than the slowest work, in which a person unlocks the keychain several times, and the issuer answers late each time. */
const patienceMs = 15 * 60_000
const pauseMs = 25

/** Runs `work` while no other process holds the lock `path`. @throws Error after a quarter of an hour */
export async function underLock<T>(path: string, clock: Clock, work: () => Promise<T>): Promise<T> {
  makePrivate(join(path, '..'))
  const mine = `${process.pid} ${randomUUID()}`
  const draft = `${path}.${randomUUID()}`
  await writeFile(draft, mine, { flag: 'wx', mode: 0o600 })
  try {
    for (const end = clock.now() + patienceMs; !(await taken(draft, path));) {
      if (clock.now() > end) throw new Error(`another process holds ${path}; try again, or remove it`)
      await removeStale(path)
      await new Promise<void>((resolve) => void clock.after(pauseMs, resolve))
    }
    const touching = touch(draft, clock)
    try {
      return await work()
    } finally {
      touching[Symbol.dispose]()
      if ((await contentOf(path)) === mine) await rm(path, { force: true })
    }
  } finally {
    await rm(draft, { force: true })
  }
}

/** A hard link is made or not, on every file system, with what it holds in it. */
async function taken(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return false
  }
}

/** Through `draft`, which is the same file as the lock: so it can never be another process's that is touched. */
function touch(draft: string, clock: Clock): Disposable {
  const again = () =>
    clock.after(touchMs, () => {
      timer = again()
      const now = new Date()
      void utimes(draft, now, now).catch(() => undefined)
    })
  let timer = again()
  return { [Symbol.dispose]: () => timer.cancel() }
}

async function removeStale(path: string): Promise<void> {
  const holder = await contentOf(path)
  if (holder === undefined || !(await isStale(path, holder))) return
  const aside = `${path}.${randomUUID()}`
  try {
    await rename(path, aside)
    // Another process was quicker, and this is its lock by now.
    if ((await contentOf(aside)) !== holder) await taken(aside, path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  } finally {
    await rm(aside, { force: true })
  }
}

async function isStale(path: string, holder: string): Promise<boolean> {
  const pid = Number(/^(\d+) /.exec(holder)?.[1])
  if (!Number.isSafeInteger(pid) || pid < 1) return true
  try {
    process.kill(pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return true
  }
  const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }))
  return Date.now() - mtimeMs > staleMs
}

async function contentOf(path: string): Promise<string | undefined> {
  return await readFile(path, 'utf8').catch(() => undefined)
}
