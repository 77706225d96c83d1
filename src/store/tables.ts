/** The tables as verification holds them against the audit events. */
import type { Tables } from '../audit/verify.ts'
import { isTime } from './columns.ts'
import { queries } from './transaction.ts'

/** JSON in a row, or what stands there in its place: no event says the same, so it is found. */
function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const time = (at: unknown) => (isTime(at) ? new Date(at).toISOString() : at)

export const tables: Tables = {
  async states(tx) {
    const tasks = await queries(tx).selectFrom('tasks').selectAll().execute()
    const leases = await queries(tx).selectFrom('leases').selectAll().execute()
    const approvals = await queries(tx).selectFrom('approvals').selectAll().execute()
    const fences = await queries(tx).selectFrom('fences').selectAll().execute()
    return [
      ...tasks.map(({ id, status, principal, ...row }) => {
        const { agent, owner, purpose, scope, ttl, context, expires_at, session } = row
        const { iss: issuer, subject } = Object(json(principal)) as { iss?: string; subject?: string }
        const said = { agent, owner, purpose, ttl, issuer, subject }
        const facts = { ...said, scope: json(scope), context: json(context), expires_at: time(expires_at) }
        return { id, status, facts: { ...facts, session: session === null ? null : json(session) } }
      }),
      ...leases.map(({ id, status, detail, classes, fingerprint, ...row }) => {
        const { task, agent, owner, identity, provider, connection, upstream, revocation } = row
        const said = { task, agent, owner, identity, provider, connection, upstream, revocation }
        const facts = { ...said, detail: json(detail), classes: json(classes) }
        return { id, status, facts: { ...facts, ...(fingerprint !== null && { fingerprint }) } }
      }),
      ...approvals.map(({ id, status, task, group, digest, by, reason }) => ({
        id,
        status,
        facts: { task, group, digest, ...(by !== null && { by, reason }) },
      })),
      ...fences.map(({ id, selector, agents, reason, by, at, until }) => ({
        id,
        status: 'standing',
        facts: {
          selector: json(selector),
          until: until === null ? null : time(until),
          agents: json(agents),
          reason,
          by,
          at: time(at),
        },
      })),
    ]
  },

  async sealed(tx) {
    const leases = await queries(tx)
      .selectFrom('leases')
      .select(['id', 'handle'])
      .where('handle', 'is not', null)
      .execute()
    const keys = await queries(tx).selectFrom('federation_keys').selectAll().execute()
    return [
      ...leases.map(({ id, handle }) => ({
        place: { table: 'leases', column: 'handle', row: id },
        value: handle!,
      })),
      ...keys.map(({ kid, sealed }) => ({
        place: { table: 'federation_keys', column: 'sealed', row: kid },
        value: sealed,
      })),
    ]
  },
}
