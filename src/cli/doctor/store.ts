import { existsSync } from 'node:fs'
import type { Configuration } from '../../config/load.ts'
import { createSeal } from '../../base/seal.ts'
import { placeOf } from '../../store/address.ts'
import { obstacleTo } from '../../store/obstacle.ts'
import { openStoreReadOnly } from '../../store/open.ts'
import type { OpenStore } from '../../store/own-store.ts'
import type { Check } from './check.ts'

/** The store as it can be looked into beside a running broker; undefined where there is none to look into. */
export async function checkStore({
  file,
  store,
  sealKeys,
}: Configuration): Promise<{ checks: Check[]; opened?: OpenStore }> {
  const check = 'store'
  const where = placeOf(store)
  const obstacle = await obstacleTo(store)
  if (obstacle !== undefined) {
    const remedy =
      store.kind === 'sqlite'
        ? `Run this as the user that runs the broker; if it is, let it write there, or correct \`store\` in ${file}.`
        : `Correct \`store\` in ${file}, or the server.`
    return { checks: [{ check, status: 'fault', message: obstacle, remedy }] }
  }
  if (store.kind === 'sqlite' && !existsSync(store.path))
    return { checks: [{ check, status: 'ok', message: `${store.path} will be made by the first start` }] }
  try {
    const opened = await openStoreReadOnly(store, createSeal(sealKeys))
    return { checks: [{ check, status: 'ok', message: `${where} is of this version, and writable` }], opened }
  } catch (error) {
    const message = error instanceof Error ? error.message : 'it cannot be opened'
    return { checks: [{ check, status: 'fault', message, remedy: `Check \`store\` in ${file}.` }] }
  }
}
