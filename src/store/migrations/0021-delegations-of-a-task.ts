/** What a task has handed on is looked for before its row goes, by retention and by the database itself. */
import type { Kysely } from 'kysely'
import type { Migration } from 'kysely/migration'

export const delegationsOfATask: Migration = {
  async up(db: Kysely<unknown>) {
    await db.schema.createIndex('delegations_task').on('delegations').column('task').execute()
  },
}
