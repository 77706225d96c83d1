/** SQL of the row gateway, each text written out once: to put one together, and to find by it what was prepared, costs as much as running it. */

const selections = new Map<string, Map<string, string>>()
const insertions = new Map<string, Known[]>()
const updates = new Map<string, Known[]>()

/** What is written in one place always has the same columns. */
interface Known {
  columns: readonly string[]
  sql: string
}

export function selection(table: string, column: string): string {
  let known = selections.get(table)
  if (!known) selections.set(table, (known = new Map<string, string>()))
  let sql = known.get(column)
  if (!sql) known.set(column, (sql = `select * from "${table}" where "${column}" = ?`))
  return sql
}

export function insertion(table: string, columns: readonly string[]): string {
  const made = () =>
    `insert into "${table}" (${columns.map(quoted).join()}) values (${columns.map(() => '?').join()})`
  return knownOr(insertions, table, columns, made)
}

/** The last value is that of `key`. */
export function update(table: string, columns: readonly string[], key: string): string {
  const made = () =>
    `update "${table}" set ${columns.map((column) => `${quoted(column)} = ?`).join()} where "${key}" = ?`
  return knownOr(updates, table, columns, made)
}

function knownOr(
  texts: Map<string, Known[]>,
  table: string,
  columns: readonly string[],
  made: () => string,
): string {
  let ofTable = texts.get(table)
  if (!ofTable) texts.set(table, (ofTable = []))
  for (const known of ofTable) if (isSame(known.columns, columns)) return known.sql
  const sql = made()
  ofTable.push({ columns, sql })
  return sql
}

function isSame(some: readonly string[], others: readonly string[]): boolean {
  if (some.length !== others.length) return false
  for (let at = 0; at < some.length; at += 1) if (some[at] !== others[at]) return false
  return true
}

const quoted = (column: string) => `"${column}"`
