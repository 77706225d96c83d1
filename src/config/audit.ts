import { dirname, join, resolve } from 'node:path'
import { located } from './files.ts'
import type { Loading } from './loading.ts'
import type { ConfigurationFile } from './schema.ts'
import type { Heads } from './values.ts'

/** What is known of the record outside the store. */
export interface Outside {
  readonly heads: Heads
  /** The file that keeps the last head; undefined where there is no place for it. */
  readonly lastHead: string | undefined
}

/** Beside the seal key unless it says otherwise: whoever can write there needs no store to forge. */
export function compileAudit(
  { heads, last_head: lastHead }: ConfigurationFile['audit'],
  seal: ConfigurationFile['seal'] | undefined,
  { file }: Pick<Loading, 'file'>,
): Outside {
  const at = (path: string) => resolve(located(file, path))
  const key = seal?.keys[0]?.secret
  const beside = key && 'file' in key ? join(dirname(at(key.file)), 'mayfly-head') : undefined
  return Object.freeze({
    heads: Object.freeze(heads.kind === 'file' ? { ...heads, path: at(heads.path) } : heads),
    lastHead: lastHead === undefined ? beside : at(lastHead),
  })
}
