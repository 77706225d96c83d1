import type { SealKey } from '../../seal.ts'
import { auditTrail } from '../../store/audit.ts'
import type { OpenStore } from '../../store/sqlite.ts'
import { tables } from '../../store/tables.ts'
import { count } from '../print.ts'
import type { Check } from './check.ts'

/** What hangs on each seal key. `opened` is undefined before the first start. */
export async function checkSeal(keys: readonly SealKey[], opened: OpenStore | undefined): Promise<Check[]> {
  const used = opened ? await uses(opened) : new Map<string, number>()
  const configured = new Set(keys.map(({ id }) => id))
  return [
    ...keys.map(({ id }, index) => found(id, index === 0, used.get(id) ?? 0)),
    ...[...used].filter(([id]) => !configured.has(id)).map(([id, leases]) => missing(id, leases)),
  ]
}

/** The keys that the store refers to, and how many live leases are sealed with each. */
async function uses({ unit }: OpenStore): Promise<Map<string, number>> {
  const { sealed, head } = await unit.read(async (tx) => ({
    sealed: await tables.sealed(tx),
    head: await auditTrail().head(tx),
  }))
  const used = new Map<string, number>(head ? [[head.key, 0]] : [])
  for (const { value } of sealed) {
    const [id = ''] = value.split('.', 1)
    used.set(id, (used.get(id) ?? 0) + 1)
  }
  return used
}

function found(id: string, first: boolean, leases: number): Check {
  const now =
    leases === 0 ? 'no live lease is' : `${count(leases, 'live lease')} ${leases === 1 ? 'is' : 'are'}`
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
    leases === 0 ? 'the record ends under it' : `${count(leases, 'live lease')} cannot be revoked without it`
  return {
    check: `seal key ${id}`,
    status: 'fault',
    message: `is not configured, and ${lost}`,
    remedy:
      'Put it back under `seal.keys`, after the new one. If it is lost, end those credentials upstream.',
  }
}
