/** SQL of the row gateway, each text written out once: to put one together, and to find by it what was prepared, costs as much as running it. */

const selections = new Map<string, Map<string, string>>()
const insertions = new Map<string, Known[]>()
const replacements = new Map<string, Known[]>()
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

/** Of `count` rows. */
export function insertion(table: string, columns: readonly string[], count = 1): string {
  return knownOr(insertions, `${table} ${count}`, columns, () => inserting(table, columns, count))
}

/** The same where some are there already, by their `key`: they become what is put in. */
export function replacement(table: string, columns: readonly string[], count: number, key: string): string {
  const set = () => columns.map((column) => `${quoted(column)} = excluded.${quoted(column)}`).join()
  const made = () => `${inserting(table, columns, count)} on conflict ("${key}") do update set ${set()}`
  return knownOr(replacements, `${table} ${count}`, columns, made)
}

function inserting(table: string, columns: readonly string[], count: number): string {
  const row = `(${columns.map(() => '?').join()})`
  return `insert into "${table}" (${columns.map(quoted).join()}) values ${Array(count).fill(row).join()}`
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
