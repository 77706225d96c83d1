import { resolve } from 'node:path'
import type { StoreAddress } from '../store/address.ts'
import { obstacleTo } from '../store/obstacle.ts'
import { located } from './files.ts'
import { fault, type Loading, warn } from './loading.ts'
import type { ConfigurationFile } from './schema.ts'
import { readIfThere } from './secrets.ts'
import { store as storeText } from './values.ts'

/** Where everything is kept; a PostgreSQL URL that holds a password may be a secret as a whole. */
export function compileStore(
  setting: ConfigurationFile['store'],
  loading: Loading,
): StoreAddress | undefined {
  if ('kind' in setting) {
    if (setting.kind === 'sqlite')
      return Object.freeze({ kind: 'sqlite', path: resolve(located(loading.file, setting.path)) })
    if (new URL(setting.url).password !== '')
      warn(
        loading,
        ['store'],
        'holds a password',
        'Put the whole URL into a file or a variable, and write { file: PATH } or { env: NAME }.',
      )
    return Object.freeze(setting)
  }
  const text = readIfThere(() => loading.secrets.read(setting))
  if (text === undefined) return undefined
  const read = storeText.safeParse(text)
  if (read.success && read.data.kind === 'postgres') return Object.freeze(read.data)
  fault(
    loading,
    ['store'],
    'the secret is not the URL of a PostgreSQL database',
    'Write postgres://… into it.',
  )
  return undefined
}

/** Says what would keep a broker from opening it. */
export async function reviewStore(store: StoreAddress, loading: Loading): Promise<void> {
  const obstacle = await obstacleTo(store)
  if (obstacle !== undefined)
    fault(
      loading,
      ['store'],
      obstacle,
      'Correct `store`, or have the user that runs Mayfly be able to read and write there.',
    )
}
