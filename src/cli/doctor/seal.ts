import { keyOf, type SealKey } from '../../base/seal.ts'
import { auditTrail } from '../../store/audit.ts'
import type { OpenStore } from '../../store/own-store.ts'
import { tables } from '../../store/tables.ts'
import { count } from '../print.ts'
import type { Check } from './check.ts'

/** What hangs on each seal key. `opened` is undefined before the first start. */
export async function checkSeal(
  configured: readonly SealKey[],
  opened: OpenStore | undefined,
): Promise<Check[]> {
  const used = opened ? await uses(opened) : new Map<string, number>()
  const known = new Set(configured.map(({ id }) => id))
  return [
    ...configured.map(({ id }, index) => found(id, index === 0, used.get(id) ?? 0)),
    ...[...used].filter(([id]) => !known.has(id)).map(([id, leases]) => missing(id, leases)),
  ]
}

/** The keys that the store refers to, and how many leases are sealed with each: also one that is revoked, as long as upstream still has to be told. */
async function uses({ unit }: OpenStore): Promise<Map<string, number>> {
  const { sealed, head } = await unit.read(async (tx) => ({
    sealed: await tables.sealed(tx),
    head: await auditTrail().head(tx),
  }))
  const used = new Map<string, number>()
  const add = (value: string, leases: number) => {
    // What no seal has made names no key, and may be a secret: none of it is shown.
    const id = keyOf(value)
    if (id !== undefined) used.set(id, (used.get(id) ?? 0) + leases)
  }
  if (head) used.set(head.key, 0)
  // The federation key is sealed too, and no lease.
  for (const { place, value } of sealed) add(value, place.table === 'leases' ? 1 : 0)
  return used
}

function found(id: string, first: boolean, leases: number): Check {
  const now = leases === 0 ? 'no lease is' : `${count(leases, 'lease')} ${leases === 1 ? 'is' : 'are'}`
  return {
    check: `seal key ${id}`,
    status: 'ok',
    message: `${first ? 'seals from now on' : 'is there for what was sealed before'}; ${now} sealed with it`,
    remedy: `Keep a copy elsewhere: were it lost, the record could no longer be verified, and ${
      leases === 0 ? 'leases sealed with it' : 'these leases'
    } not be revoked before they expire upstream.`,
  }
}

function missing(id: string, leases: number): Check {
  const lost =
    leases === 0
      ? 'the store refers to it'
      : `${count(leases, 'lease')} cannot be revoked, or kept so, without it`
  return {
    check: `seal key ${id}`,
    status: 'fault',
    message: `is not configured, and ${lost}`,
    remedy:
      'Put it back under `seal.keys`, after the new one. If it is lost, end those credentials upstream.',
  }
}
