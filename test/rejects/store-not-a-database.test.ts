import { writeFile } from 'node:fs/promises'
import { expect, it, onTestFinished } from 'vitest'
import { openSqlite, openSqliteReadOnly } from '../../src/store/sqlite.ts'
import { testSeal } from '../support/store.ts'
import { besideFile, temporaryPath } from '../support/sqlite.ts'

it('a file that is no database is refused, and not mistaken for another broker', async () => {
  const { path, remove } = await temporaryPath()
  onTestFinished(remove)
  await writeFile(path, 'these are notes, not a database; '.repeat(100))
  await expect(openSqlite(path, testSeal())).rejects.toThrow('not a database')
  await expect(openSqlite(`${path}/in/no/folder.db`, testSeal())).rejects.not.toThrow('another broker')
})

it('a database that no broker has made is not read', async () => {
  const { path, remove } = await temporaryPath()
  onTestFinished(remove)
  await expect(openSqliteReadOnly(path, testSeal())).rejects.toThrow()
  besideFile(path, 'create table notes (text)')
  await expect(openSqliteReadOnly(path, testSeal())).rejects.toThrow('no broker has run on this database')
})
