/** What each person has of an agent is counted beside what the agent has: all is counted afresh when a migration is over. */
import type { Migration } from 'kysely/migration'

export const countsByPerson: Migration = {
  async up() {},
}
