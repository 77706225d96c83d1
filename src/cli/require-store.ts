import type { Configuration } from '../config/load.ts'
import { isNowhere } from '../store/files.ts'
import { Failure } from './failure.ts'

/**
 * For what must not make a store: one made here and now would have nothing to copy, and nothing to revoke, and that
 * would look like success.
 *
 * @throws Failure where there is none
 */
export function requireStore({ file, store }: Pick<Configuration, 'file' | 'store'>): void {
  if (store.kind === 'sqlite' && isNowhere(store.path))
    throw new Failure(
      'failed',
      `there is no store at ${store.path}`,
      `Name in ${file} the store that the broker used; if none has run yet, its first start makes it.`,
    )
}
