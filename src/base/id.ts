import { randomUUID } from 'node:crypto'

/** What has an id of its own; the id begins with it, so that a reader knows what it names. */
export type IdKind = 'task' | 'lease' | 'appr' | 'rev' | 'fence' | 'req'

/** A new id, `lease_` and 32 hexadecimal digits: short and plain enough for an AWS session name. */
export function newId<Kind extends IdKind>(kind: Kind): `${Kind}_${string}` {
  return `${kind}_${randomUUID().replaceAll('-', '')}`
}
