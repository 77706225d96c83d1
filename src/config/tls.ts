import { createPrivateKey, X509Certificate } from 'node:crypto'
import { limits, located, readText } from './files.ts'
import { fault, readable, type Loading } from './loading.ts'
import type { ConfigurationFile } from './schema.ts'
import { readIfThere } from './secrets.ts'

/** PEM. */
export interface Tls {
  readonly cert: string
  readonly key: string
}

/** Reads `tls`, whose key has been looked at with the other secrets. */
export function compileTls(
  setting: NonNullable<ConfigurationFile['tls']>,
  loading: Loading,
): Tls | undefined {
  const cert = readable(loading, { at: ['tls', 'cert'] }, () =>
    readText(located(loading.file, setting.cert), limits.secret),
  )
  const key = readIfThere(() => loading.secrets.read(setting.key))
  if (cert === undefined || key === undefined) return undefined
  try {
    if (new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) return Object.freeze({ cert, key })
  } catch {
    // What could not be parsed belongs together no more than what does not match.
  }
  fault(
    loading,
    ['tls'],
    'the certificate and the key do not belong together, or are not PEM',
    'Name the certificate chain, leaf first, and its private key.',
  )
  return undefined
}
