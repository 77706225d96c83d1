/** The SQL condition that a row is an owner's: then or now. */
import { type RawBuilder, sql } from 'kysely'

/** Of a table with `owner` and `agent`. Addresses are the same in whatever letters. */
export function isOwned(owner: string, agents: readonly string[] = []): RawBuilder<boolean> {
  const theirs = sql`${sql.ref('owner')} = ${owner} or lower(${sql.ref('owner')}) = ${owner.toLowerCase()}`
  if (agents.length === 0) return sql<boolean>`(${theirs})`
  return sql<boolean>`(${theirs} or ${sql.ref('agent')} in (${sql.join(agents)}))`
}
