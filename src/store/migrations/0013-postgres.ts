/** What only PostgreSQL needs: reading JSON that may be none, and names in the order of their bytes. */
import { type Kysely, sql } from 'kysely'
import type { Migration } from 'kysely/migration'
import { isPostgres } from './engines.ts'

export const postgres: Migration = {
  async up(db: Kysely<unknown>) {
    if (!isPostgres(db)) return
    await sql`create function mayfly_json(text) returns jsonb language plpgsql immutable as $$
      begin
        return $1::jsonb;
      exception when others then
        return null;
      end $$`.execute(db)
    await sql`alter table counts alter column key type text collate "C"`.execute(db)
  },
}
