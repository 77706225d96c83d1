/** What SQLite says in its own way. */
import { sql } from 'kysely'
import type { Dialect } from './statements.ts'
import { sqliteSchemaFaults } from './sqlite-schema.ts'

export const sqliteDialect: Dialect = {
  async columns(statements, table) {
    const columns = await statements.all(`select name from pragma_table_info('${table}')`)
    return columns.map(({ name }) => String(name))
  },
  schema: () => Promise.resolve(undefined),
  schemaFaults: sqliteSchemaFaults,
  membersOf(column, path) {
    const at = sql.lit(['$', ...path].join('.'))
    return sql`json_each(case when json_valid(${sql.ref(column)}) then ${sql.ref(column)} end, ${at}) as member`
  },
}
