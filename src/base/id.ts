import { pooledRandomBytes } from './random.ts'

/** What has an id of its own; the id begins with it, so that a reader knows what it names. */
export type IdKind = 'task' | 'lease' | 'appr' | 'rev' | 'fence' | 'req' | 'dlg' | 'brk'

const digits = 32
const digitsOfTime = 12

/**
 * A new id, `lease_` and 32 hexadecimal digits: short and plain enough for an AWS session name.
 * Given the time, milliseconds since 1970, it begins with that: what is new then stands together
 * in every index of the store, which has a few pages to write and not one for each.
 */
export function newId<Kind extends IdKind>(kind: Kind, at?: number): `${Kind}_${string}` {
  const time = at === undefined ? '' : at.toString(16).padStart(digitsOfTime, '0')
  const random = pooledRandomBytes(digits / 2).toString('hex')
  return `${kind}_${(time + random.slice(-digits + digitsOfTime)).padStart(digits, random)}`
}
