import { expect, it } from 'vitest'
import { openSqliteReadOnly } from '../../src/store/sqlite.ts'
import { testSeal } from '../support/store.ts'
import { sqliteStore } from '../support/sqlite.ts'

it('a database that a newer version has written is refused, and left as it is', async () => {
  await using store = await sqliteStore()
  await store.beside(`insert into kysely_migration (name, timestamp) values ('9999-from-the-future', '2030')`)
  await expect(store.reopen()).rejects.toThrow(/newer version of Mayfly \(9999-from-the-future\)/)
  await expect(openSqliteReadOnly(store.path, testSeal())).rejects.toThrow(/newer version/)
  await store.beside(`delete from kysely_migration where name like '9999%'`)
  // The refusals have let go of the file.
  await store.reopen()
})
