import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { Query } from '../../src/store/node-sqlite.ts'

test('a statement that was prepared before a table got another column gives rows with all of them', () => {
  using database = new DatabaseSync(':memory:')
  database.exec(`create table t (a integer, b text); insert into t values (1, 'x')`)
  const query = new Query(database, 'select * from t where a = ?')
  expect(query.all([1])).toEqual([{ a: 1, b: 'x' }])

  database.exec('alter table t add column c blob')
  expect(query.all([1])).toEqual([{ a: 1, b: 'x', c: null }])
})

test('a column may have any name', () => {
  using database = new DatabaseSync(':memory:')
  const [row] = new Query(database, `select 1 as "a""b", 2 as "", 3 as "__proto__", 4 as "10"`).all([])

  expect(Object.entries(row!)).toEqual([
    ['10', 4],
    ['a"b', 1],
    ['', 2],
    ['__proto__', 3],
  ])
})

test('an integer that is too large for a number is read as the nearest, by whichever way, and the next one as it is', () => {
  using database = new DatabaseSync(':memory:')
  database.exec('create table t (a integer); insert into t values (1), (9223372036854775807), (3)')
  const query = new Query(database, 'select a from t order by rowid')
  const expected = [{ a: 1 }, { a: 2 ** 63 }, { a: 3 }]

  expect(query.all([])).toEqual(expected)
  expect(query.all([])).toEqual(expected)
  expect([...query.each()].flat()).toEqual(expected)
})
