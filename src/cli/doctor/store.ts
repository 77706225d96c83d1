import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Configuration } from '../../config/load.ts'
import { createSeal } from '../../base/seal.ts'
import { openStoreReadOnly } from '../../store/open.ts'
import type { OpenStore } from '../../store/sqlite.ts'
import { type Check, writable } from './check.ts'

/** The store as it can be looked into beside a running broker; undefined where there is none to look into. */
export async function checkStore({
  file,
  store,
  sealKeys,
}: Configuration): Promise<{ checks: Check[]; opened?: OpenStore }> {
  const check = 'store'
  const where = store.kind === 'sqlite' ? store.path : 'the database'
  if (store.kind === 'sqlite') {
    const { path } = store
    // SQLite writes beside the file too: its log, and the lock.
    const places = existsSync(path) ? [path, dirname(path)] : [dirname(path)]
    const closed = places.filter((place) => !writable(place))
    if (closed.length > 0) {
      const message = `this user cannot write ${closed.join(' and ')}`
      const remedy = `Run this as the user that runs the broker; if it is, let it write there, or correct \`store\` in ${file}.`
      return { checks: [{ check, status: 'fault', message, remedy }] }
    }
    if (!existsSync(path))
      return { checks: [{ check, status: 'ok', message: `${path} will be made by the first start` }] }
  }
  try {
    const opened = await openStoreReadOnly(store, createSeal(sealKeys))
    return { checks: [{ check, status: 'ok', message: `${where} is of this version, and writable` }], opened }
  } catch (error) {
    const message = error instanceof Error ? error.message : 'it cannot be opened'
    return { checks: [{ check, status: 'fault', message, remedy: `Check \`store\` in ${file}.` }] }
  }
}
