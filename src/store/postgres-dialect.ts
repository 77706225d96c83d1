/** What PostgreSQL says in its own way. */
import { sql } from 'kysely'
import { sha256 } from '../base/sha256.ts'
import type { Dialect, Statements } from './statements.ts'

/** The schema that the tables are in, by its number in the catalogue. Read from text, a name such as `Mayfly-Prod` needs its quotes. */
export const ownSchema = 'quote_ident(current_schema())::regnamespace'

const columnsOf = `select attname as name from pg_attribute
  where attrelid = to_regclass(quote_ident(current_schema()) || '.' || quote_ident(?)) and attnum > 0 and not attisdropped`

/** All that would change what the broker writes or reads, as the server's own catalogue tells it. */
const parts = `
with mine as (
  select oid, relname, relkind, relpersistence, relrowsecurity, relforcerowsecurity
  from pg_class where relnamespace = ${ownSchema}
)
select 'relation' as kind, relname as name, concat(relkind, relpersistence, relrowsecurity, relforcerowsecurity) as what
  from mine where relkind not in ('i', 'I', 't')
union all select 'column', mine.relname || '.' || attname,
    concat_ws(' ', format_type(atttypid, atttypmod), attnotnull, attcollation::regcollation, attgenerated, pg_get_expr(adbin, adrelid))
  from mine join pg_attribute on attrelid = mine.oid
    left join pg_attrdef on adrelid = attrelid and adnum = attnum
  where relkind in ('r', 'p', 'v', 'm', 'f') and attnum > 0 and not attisdropped
union all select 'index', indexrelid::regclass::text, concat_ws(' ', pg_get_indexdef(indexrelid), indisvalid)
  from mine join pg_index on indrelid = mine.oid where relkind <> 't'
union all select 'constraint', mine.relname || '.' || conname, pg_get_constraintdef(pg_constraint.oid)
  from mine join pg_constraint on conrelid = mine.oid where contype not in ('n', 't')
union all select 'trigger', mine.relname || '.' || tgname, concat_ws(' ', pg_get_triggerdef(pg_trigger.oid), tgenabled)
  from mine join pg_trigger on tgrelid = mine.oid where not tgisinternal
union all select 'rule', mine.relname || '.' || rulename, concat_ws(' ', pg_get_ruledef(pg_rewrite.oid), ev_enabled)
  from mine join pg_rewrite on ev_class = mine.oid
union all select 'policy', mine.relname || '.' || polname, ''
  from mine join pg_policy on polrelid = mine.oid
union all select 'function', oid::regprocedure::text, concat_ws(' ', prosrc, proconfig::text)
  from pg_proc where pronamespace = ${ownSchema}
union all select 'operator', oid::regoperator::text, oprcode::text
  from pg_operator where oprnamespace = ${ownSchema}
union all select 'event trigger', evtname, concat_ws(' ', evtevent, evtenabled) from pg_event_trigger
order by 1, 2, 3`

async function schemaNow(statements: Statements): Promise<string> {
  return sha256(JSON.stringify(await statements.all(parts)))
}

export const postgresDialect: Dialect = {
  async columns(statements, table) {
    return (await statements.all(columnsOf, [table])).map(({ name }) => String(name))
  },
  schema: schemaNow,
  async schemaFaults(statements, known) {
    if (known === undefined || (await schemaNow(statements)) === known) return []
    return ["the tables, or what belongs to them, are not as Mayfly's migrations left them"]
  },
  membersOf(column, path) {
    const json = sql`mayfly_json(${sql.ref(column)}) #> ${sql.lit(`{${path.join()}}`)}::text[]`
    return sql`lateral (
      select key, value from jsonb_each_text(case when jsonb_typeof(${json}) = 'object' then ${json} end)
      union all select null, value from
        jsonb_array_elements_text(case when jsonb_typeof(${json}) = 'array' then ${json} end) as value
    ) as member`
  },
}
