import type { SealKey } from '../base/seal.ts'
import { fault, type Loading } from './loading.ts'
import type { ConfigurationFile } from './schema.ts'
import { readIfThere } from './secrets.ts'

const keyBytes = 32

/** Reads the seal keys, which have been looked at with the other secrets; the first one seals. */
export function compileSealKeys(setting: ConfigurationFile['seal'], loading: Loading): readonly SealKey[] {
  const ids = new Set<string>()
  const keys = setting.keys.flatMap(({ id, secret: ref }, index): SealKey[] => {
    const at = ['seal', 'keys', index]
    if (ids.has(id)) fault(loading, [...at, 'id'], 'names another key too', 'Choose another id.')
    ids.add(id)
    const text = readIfThere(() => loading.secrets.read(ref))
    if (text === undefined) return []
    const secret = Buffer.from(text, 'base64')
    // Node skips what is not base64, so half a passphrase would be taken for a key.
    if (secret.length === keyBytes && secret.toString('base64') === text)
      return [Object.freeze({ id, secret })]
    fault(
      loading,
      [...at, 'secret'],
      `is not ${keyBytes} bytes in base64`,
      `Make a key with: openssl rand -base64 ${keyBytes}`,
    )
    return []
  })
  return Object.freeze(keys)
}
