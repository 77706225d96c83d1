/**
 * Every edit of one cell and of one row of a database. Tables and columns are those that it has,
 * so that a new one is among them by itself.
 */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'

export type Cells = Record<string, SQLInputValue>

export interface Edit {
  table: string
  /** In words, for whoever reads of it. */
  what: string
  apply: (db: DatabaseSync) => void
}

/** Other states of the same database, for values that were or are genuine somewhere. */
export interface Others {
  /** As it was before. */
  older?: DatabaseSync
  /** Another installation's. */
  foreign?: DatabaseSync
}

export function tablesOf(db: DatabaseSync): string[] {
  const found = db.prepare("select name from sqlite_master where type = 'table'").all()
  return found.map(({ name }) => String(name))
}

/** Every row of the table, with SQLite's own number of it as `_row`. */
export function rowsOf(db: DatabaseSync, table: string): Cells[] {
  if (!tablesOf(db).includes(table)) return []
  return db.prepare(`select rowid as _row, * from "${table}"`).all() as Cells[]
}

/** Edits of `rowsEach` rows of each table: the first, and the last. */
export function everyEdit(db: DatabaseSync, { older, foreign }: Others, rowsEach = Infinity): Edit[] {
  return tablesOf(db).flatMap((table) => {
    const rows = rowsOf(db, table)
    const [before, elsewhere] = [older, foreign].map(
      (from) => new Map((from ? rowsOf(from, table) : []).map((row) => [row['_row'], row])),
    )
    const chosen = rows.length <= rowsEach ? rows : [rows[0]!, ...rows.slice(1 - rowsEach)]
    return chosen.flatMap((row) => [
      ...Object.keys(row)
        .filter((column) => column !== '_row')
        .flatMap((column) => cellEdits(table, row, column, rows, before!.get(row['_row']!))),
      ...rowEdits(table, row, { before: before!.get(row['_row']!), elsewhere: elsewhere!.get(row['_row']!) }),
    ])
  })
}

/** By SQLite's own number, which is no column of ours. */
const numberOf = (row: Cells) => Number(row['_row'])

function cellEdits(table: string, row: Cells, column: string, rows: Cells[], before?: Cells): Edit[] {
  const is = row[column]!
  const other = rows.find((each) => each['_row'] !== row['_row'] && each[column] !== is)
  const values: Record<string, SQLInputValue | undefined> = {
    null: null,
    'another row’s': other?.[column],
    older: before?.[column],
    'plus one': typeof is === 'number' ? is + 1 : typeof is === 'string' ? `${is}x` : 1,
    'minus one': typeof is === 'number' ? is - 1 : typeof is === 'string' ? is.slice(1) : -1,
  }
  const at = `"${table}" set "${column}"`
  return Object.entries(values)
    .filter(([, value]) => value !== undefined && value !== is)
    .map(([what, value]) => ({
      table,
      what: `${column}: ${what} (row ${numberOf(row)})`,
      apply: (db: DatabaseSync) =>
        void db.prepare(`update ${at} = ? where rowid = ?`).run(value!, row['_row']!),
    }))
    .concat(
      other === undefined
        ? []
        : {
            table,
            what: `${column}: exchanged with another row’s (row ${numberOf(row)})`,
            apply(db) {
              const set = db.prepare(`update ${at} = ? where rowid = ?`)
              // By way of a third value: it may have to be unique.
              set.run(typeof is === 'number' ? -1 : 'x', row['_row']!)
              set.run(is, other['_row']!)
              set.run(other[column]!, row['_row']!)
            },
          },
    )
}

function rowEdits(
  table: string,
  row: Cells,
  { before, elsewhere }: { before: Cells | undefined; elsewhere: Cells | undefined },
): Edit[] {
  const { _row: id, ...cells } = row
  const columns = Object.keys(cells)
  const insert = (db: DatabaseSync, values: Cells) =>
    void db
      .prepare(
        `insert into "${table}" (${columns.map((column) => `"${column}"`).join()}) values (${columns.map(() => '?').join()})`,
      )
      .run(...columns.map((column) => values[column]!))
  const name = (what: string) => `the row ${what} (row ${Number(id)})`
  const doubled = Object.fromEntries(
    Object.entries(cells).map(([column, value]) => [
      column,
      ['id', 'key', 'kid', 'name', 'token_hash'].includes(column) && typeof value === 'string'
        ? `${value}2`
        : value,
    ]),
  )
  const second = {
    ...doubled,
    ...('ordinal' in cells && { ordinal: 999 }),
    ...('seq' in cells && { seq: 999 }),
  }
  const remove = (db: DatabaseSync) => void db.prepare(`delete from "${table}" where rowid = ?`).run(id!)
  return [
    { table, what: name('deleted'), apply: remove },
    { table, what: name('doubled'), apply: (db) => insert(db, second) },
    ...Object.entries({ 'as it was before': before, 'replaced by another installation’s': elsewhere })
      .filter(([, values]) => values !== undefined && JSON.stringify(values) !== JSON.stringify(row))
      .map(([what, values]) => ({
        table,
        what: name(what),
        apply(db: DatabaseSync) {
          remove(db)
          insert(db, values!)
        },
      })),
  ]
}
