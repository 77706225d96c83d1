import { createTarget, notifyEntry, signingKey, type Target, webhookFault } from '../notify/target.ts'
import { fault, fetchTrusting, type Loading } from './loading.ts'
import { parse } from './parse.ts'
import { readIfThere } from './secrets.ts'

/** Compiles the entries of `notify`, whose secrets have been looked at with the others. Nobody is called. */
export function compileNotify(entries: readonly unknown[], loading: Loading): Target[] {
  const { file, faults, secrets, clock } = loading
  const names = new Set<string>()
  return entries.flatMap((written, index) => {
    const at = ['notify', index]
    const entry = parse(notifyEntry, written, { file, at, faults })
    if (!entry) return []
    const { name, url, secret, ca } = entry
    if (names.has(name)) fault(loading, [...at, 'name'], 'names another entry too', 'Choose another name.')
    names.add(name)
    const key = secret && readIfThere(() => secrets.read(secret))
    if (key !== undefined && !signingKey(key))
      fault(
        loading,
        [...at, 'secret'],
        'is not 24 to 64 bytes in base64',
        'Make one with `openssl rand -base64 32`, and give it to the receiver too.',
      )
    const address = typeof url === 'string' ? undefined : readIfThere(() => secrets.read(url))
    const wrong = address === undefined ? undefined : webhookFault(address)
    if (wrong !== undefined) fault(loading, [...at, 'url'], wrong, 'Correct what the secret holds.')
    const fetch = fetchTrusting(loading, at, ca, loading.pooledWith)
    return fetch ? [createTarget(entry, { fetch, clock, secret: (ref) => secrets.read(ref) })] : []
  })
}
