/** Counts of kinds have a digest for their key, and say in their names what they are of: all is counted afresh when a migration is over. */
import type { Migration } from 'kysely/migration'

export const countsByDigest: Migration = {
  async up() {},
}
