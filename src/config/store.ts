import { resolve } from 'node:path'
import type { StoreAddress } from '../store/address.ts'
import { obstacleTo } from '../store/obstacle.ts'
import { located, Unreadable } from './files.ts'
import { fault, type Loading, warn } from './loading.ts'
import type { Path } from './parse.ts'
import type { ConfigurationFile } from './schema.ts'
import { readIfThere } from './secrets.ts'
import { readAuthorities } from './trust.ts'
import { store as storeText } from './values.ts'

type Setting = ConfigurationFile['store']
type Postgres = Extract<StoreAddress, { kind: 'postgres' }>

/** Where everything is kept; a PostgreSQL URL that holds a password may be a secret as a whole. */
export function compileStore(setting: Setting, loading: Loading): StoreAddress | undefined {
  if ('kind' in setting && setting.kind === 'sqlite')
    return Object.freeze({ kind: 'sqlite', path: resolve(located(loading.file, setting.path)) })
  if (!('url' in setting) || 'kind' in setting) return frozen(compileUrl(setting, loading, ['store']))
  const address = compileUrl(setting.url, loading, ['store', 'url'])
  const ca = setting.ca === undefined ? undefined : authorities(setting.ca, loading)
  if (setting.ca !== undefined && ca === undefined) return undefined
  return frozen(address && { ...address, pool: setting.pool, ...(ca !== undefined && { ca }) })
}

const frozen = (address: Postgres | undefined) => address && Object.freeze(address)

function compileUrl(setting: Setting, loading: Loading, at: Path): Postgres | undefined {
  if ('kind' in setting) {
    if (setting.kind === 'postgres') {
      const { password, searchParams } = new URL(setting.url)
      if (password !== '' || searchParams.has('password'))
        warn(
          loading,
          at,
          'holds a password',
          'Put the whole URL into a file or a variable, and write { file: PATH } or { env: NAME }.',
        )
      return setting
    }
    fault(
      loading,
      at,
      'is not the URL of a PostgreSQL database',
      'Write postgres://…, or `store: sqlite:PATH`.',
    )
    return undefined
  }
  if ('url' in setting) return undefined
  const text = readIfThere(() => loading.secrets.read(setting))
  if (text === undefined) return undefined
  const read = storeText.safeParse(text)
  if (read.success && read.data.kind === 'postgres') return read.data
  fault(loading, at, 'the secret is not the URL of a PostgreSQL database', 'Write postgres://… into it.')
  return undefined
}

function authorities(path: string, loading: Loading): string | undefined {
  try {
    return readAuthorities(located(loading.file, path)).join('\n')
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    fault(loading, ['store', 'ca'], `the file ${error.message}`, error.remedy)
    return undefined
  }
}

/** Says what would keep a broker from opening it. */
export async function reviewStore(store: StoreAddress, loading: Loading): Promise<void> {
  const obstacle = await obstacleTo(store)
  if (obstacle !== undefined)
    fault(
      loading,
      ['store'],
      obstacle,
      store.kind === 'sqlite'
        ? 'Correct `store`, or have the user that runs Mayfly be able to read and write there.'
        : 'Correct `store`, or the server.',
    )
}
