/** The tables as verification holds them against the audit events. */
import { isoTime } from '../base/iso-time.ts'
import type { Discrepancy, Tables } from '../audit/verify.ts'
import { isTime } from './columns.ts'
import { Counts } from './counts.ts'
import { headRows, openHead } from './head.ts'
import { type DamagedRow, type Found, inspect, wholly } from './inspection.ts'
import { otherKeyThan } from './other-key.ts'
import { sealedTables, sealingOf } from './sealed-tables.ts'
import { appliedMigrations } from './applied-migrations.ts'
import type { Statements } from './statements.ts'
import { bound, queries } from './transaction.ts'
import type { Tx } from '../base/unit.ts'

/** JSON in a row, or what stands there in its place: no event says the same, so it is found. */
function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

const time = (at: unknown) => (isTime(at) ? isoTime(at) : at)

/** Without its key nothing of a whole age can be told: that is one thing to say, not one for each row. */
function rowFault({ table, row: subject, key }: DamagedRow): Discrepancy {
  if (key === undefined) return { subject, message: `its row in ${table} is not as it was written` }
  return { key, message: `rows of ${table} are under the seal key ${key}, which is not configured` }
}

/** Whether the rows add up to the counts. */
async function countFaults(statements: Statements): Promise<Discrepancy[]> {
  const rows = new Counts()
  for (const table of ['tasks', 'leases'])
    for await (const some of statements.each(`select * from "${table}"`))
      for (const row of some) rows.add(table, row)
  const stored = new Map(
    (await statements.all('select * from counts')).map(({ key, value }) => [
      String(key),
      json(String(value)),
    ]),
  )
  return [...new Set([...rows.changed, ...stored.keys()])].flatMap((key) =>
    JSON.stringify(rows.after(key)) === JSON.stringify(stored.get(key) ?? {})
      ? []
      : [{ subject: key, message: 'its count is not what the rows add up to' }],
  )
}

function distinct(faults: Discrepancy[]): Discrepancy[] {
  return [...new Map(faults.map((fault) => [JSON.stringify(fault), fault])).values()]
}

/** A head that does not open was altered, or another key wrote the whole store. */
async function headFault(tx: Tx, fault: Discrepancy): Promise<Discrepancy> {
  if (fault.key !== undefined) return fault
  const other = await otherKeyThan(tx)
  return other ? { message: other.message } : fault
}

/** What the store tells of itself without a look at its rows: quick, however many there are. */
export async function quickFaults(tx: Tx): Promise<Discrepancy[]> {
  const { seal, statements } = bound(tx)
  const opened = openHead(await statements.all(headRows), seal)
  const applied = opened?.state && opened.state.migrations !== (await appliedMigrations(statements))
  return [
    ...(opened?.fault ? [await headFault(tx, opened.fault)] : []),
    ...(opened?.state?.doubts ?? []).map((doubt) => ({ message: `${doubt}; nobody has accepted that yet` })),
    ...(applied ? [{ message: 'the list of migrations was altered' }] : []),
    ...(await statements.dialect.schemaFaults(statements, opened?.state?.schema)).map((message) => ({
      message,
    })),
  ]
}

export const tables: Tables = {
  async states(tx) {
    const tasks = await queries(tx).selectFrom('tasks').selectAll().execute()
    const leases = await queries(tx).selectFrom('leases').selectAll().execute()
    const approvals = await queries(tx).selectFrom('approvals').selectAll().execute()
    const fences = await queries(tx).selectFrom('fences').selectAll().execute()
    return [
      ...tasks.map(({ id, status, principal, ...row }) => {
        const { agent, owner, purpose, scope, ttl, context, expires_at, session, parent, root, bounded } = row
        const { iss: issuer, subject } = Object(json(principal)) as { iss?: string; subject?: string }
        const said = { agent, owner, purpose, ttl, issuer, subject, parent, root, bounded }
        const facts = { ...said, scope: json(scope), context: json(context), expires_at: time(expires_at) }
        const began = Number(row.created_at)
        return { id, status, began, facts: { ...facts, session: session === null ? null : json(session) } }
      }),
      ...leases.map(({ id, status, detail, classes, fingerprint, ...row }) => {
        const { task, agent, owner, identity, provider, connection, upstream, revocation } = row
        const said = { task, agent, owner, identity, provider, connection, upstream, revocation }
        const facts = { ...said, detail: json(detail), classes: json(classes) }
        const began = Number(row.created_at)
        return { id, status, began, facts: { ...facts, ...(fingerprint !== null && { fingerprint }) } }
      }),
      ...approvals.map(({ id, status, task, group, digest, by, reason, created_at: began }) => ({
        id,
        status,
        began,
        facts: { task, group, digest, ...(by !== null && { by, reason }) },
      })),
      ...fences.map(({ id, selector, agents, reason, by, at, until }) => ({
        id,
        status: 'standing',
        began: at,
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

  async faults(tx) {
    const { seal, macs, statements } = bound(tx)
    const opened = openHead(await statements.all(headRows), seal)
    const expected = { seal, macs, sums: opened?.state?.sums }
    const found: Found[] = []
    for (const table of sealedTables)
      for (const only of sealingOf(table).open ? [undefined, 'open' as const] : [undefined])
        found.push(await wholly(inspect(statements, table, expected, only)))
    const sound = found.every(({ damaged, doubt }) => damaged.length === 0 && doubt === undefined)
    return distinct([
      ...(await quickFaults(tx)),
      ...found.flatMap(({ damaged }) => damaged.map(rowFault)),
      ...found.flatMap(({ doubt }) => doubt ?? []),
      // What is altered counts as what it was, which nobody knows.
      ...(sound ? await countFaults(statements) : []),
    ])
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
