/**
 * Every edit of one cell and of one row, of every table that there is, in a store with a
 * history: none goes unnoticed. Tables and columns are those of the schema, so that a new
 * one is among them by itself.
 */
import { copyFileSync, existsSync, readFileSync, rmSync } from 'node:fs'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { fenceKey } from '../../src/agents/fence.ts'
import { verifyAudit } from '../../src/audit/verify.ts'
import { sha256 } from '../../src/base/sha256.ts'
import { auditTrail } from '../../src/store/audit.ts'
import { fences } from '../../src/store/fences.ts'
import { idempotency } from '../../src/store/idempotency.ts'
import { federationKeys } from '../../src/store/installation.ts'
import { sealedTables } from '../../src/store/sealed-tables.ts'
import { openSqlite, openSqliteReadOnly } from '../../src/store/sqlite.ts'
import { tables } from '../../src/store/tables.ts'
import { aTask, noon, note, put, sound, testSeal } from '../support/store.ts'
import type { SqliteSubject } from '../support/sqlite.ts'
import { history } from './history.ts'

/** SQLite's own high-water marks, which nothing reads: the only rows that may be edited unseen (SECURITY.md). */
const unseen = ['sqlite_sequence']
/** Rows of each table that are edited: the first, and the last. */
const rowsEach = 2

type Cells = Record<string, SQLInputValue>
interface Edit {
  table: string
  what: string
  apply: (db: DatabaseSync) => void
}

const seal = testSeal()
let store: SqliteSubject
/** As it was in the middle of its history, and as it is at the end; another installation's at its end. */
let [older, whole, foreign] = ['', '', '']
let edits: Edit[] = []

async function lived(): Promise<SqliteSubject> {
  const made = await history(seal)
  await made.unit.write(async (tx) => {
    const waiting = await put(made, tx, aTask({ status: 'pending_approval' }))
    const [one, two] = ['security', 'legal'].map((group) => ({
      id: `appr_${group}`,
      task: waiting.id,
      group,
      digest: sha256(group),
      status: 'pending' as const,
      createdAt: noon,
      settled: null,
    }))
    for (const approval of [one!, two!]) await made.approvals.insert(tx, approval)
    for (const agent of ['refactor-bot', 'deployer']) {
      const selector = { agent }
      const id = `fence_${agent}` as const
      const fence = {
        id,
        selector,
        agents: [agent],
        reason: 'odd',
        by: 'okta:ada',
        at: noon,
        until: noon + 9,
      }
      await fences.insert(tx, fence, fenceKey(selector))
      await idempotency.put(tx, {
        key: sha256(agent),
        digest: sha256('d'),
        task: waiting.id,
        lease: null,
        until: noon,
      })
      await made.usedTokens.use(tx, sha256(agent), noon)
    }
    await federationKeys.add(tx, { kid: 'kid', sealed: seal.seal('{}', place) })
    note(made, tx)
  })
  return made
}
const place = { table: 'federation_keys', column: 'sealed', row: 'kid' }

/** All that can change once more, so that there are older values. */
async function liveOn(made: SqliteSubject): Promise<void> {
  await made.unit.write(async (tx) => {
    for (const task of await made.tasks.find(tx, { statuses: ['active'] })) {
      await made.tasks.replaceToken(tx, task.id, `another hash of ${task.id}`)
      await made.tasks.end(tx, task.id, 'completed', 'completed', noon + 1)
    }
    for (const lease of await made.leases.find(tx, { statuses: ['active'] })) {
      await made.leases.move(tx, lease.id, 'revoking', { dueAt: noon + 1, attempts: 2, failingSince: noon })
      await made.leases.move(tx, lease.id, 'revoked', { handle: null, dueAt: null, endedAt: noon + 2 })
    }
    await made.approvals.settle(tx, 'appr_legal', 'granted', {
      by: 'okta:lex',
      at: noon,
      reason: 'fine',
      mac: 'm',
      key: 'k1',
    })
    await idempotency.put(tx, {
      ...sound((await idempotency.get(tx, sha256('deployer')))!),
      lease: 'lease_1',
      until: noon + 5,
    })
    await federationKeys.replace(tx, { kid: 'kid', sealed: seal.seal('{"a":1}', place) })
    note(made, tx)
  })
}

beforeAll(async () => {
  store = await lived()
  ;[older, whole, foreign] = ['older', 'whole', 'foreign'].map((name) => `${store.path}.${name}`) as [
    string,
    string,
    string,
  ]
  await copied(store, older)
  await liveOn(store)
  await copied(store, whole)
  const other = await lived()
  await copied(other, foreign)
  await other[Symbol.asyncDispose]()
  edits = everyEdit()
})
afterAll(() => store[Symbol.asyncDispose]())

async function copied(from: SqliteSubject, to: string): Promise<void> {
  await from.close()
  copyFileSync(from.path, to)
  await from.reopen()
}

function everyEdit(): Edit[] {
  using db = new DatabaseSync(whole, { readOnly: true })
  using then = new DatabaseSync(older, { readOnly: true })
  using there = new DatabaseSync(foreign, { readOnly: true })
  const names = db.prepare("select name from sqlite_master where type = 'table'").all() as { name: string }[]
  return names.flatMap(({ name: table }) => {
    const all = (from: DatabaseSync) =>
      from.prepare(`select rowid as _row, * from "${table}"`).all() as Cells[]
    const rows = all(db)
    const [before, elsewhere] = [then, there].map(
      (from) => new Map(all(from).map((row) => [row['_row'], row])),
    )
    const chosen = [...new Set([rows[0], ...rows.slice(1 - rowsEach)])].filter((row) => row !== undefined)
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

/** Applies the edit to a copy. Undefined where SQLite itself refuses it. */
function edited({ apply }: Edit): string | undefined {
  const copy = `${store.path}.copy`
  for (const ending of ['', '-wal', '-shm']) if (existsSync(copy + ending)) rmSync(copy + ending)
  copyFileSync(whole, copy)
  using db = new DatabaseSync(copy, { enableForeignKeyConstraints: false })
  try {
    apply(db)
    return copy
  } catch {
    return undefined
  }
}

/** What verification finds there; a store that it does not even read is found too. */
async function found(path: string): Promise<string[]> {
  try {
    await using opened = await readOnly(path)
    const given = { trail: auditTrail(), tables, seal }
    const { discrepancies } = await opened.unit.read((tx) => verifyAudit(tx, given))
    return discrepancies.map((each) => JSON.stringify(each))
  } catch (error) {
    return [String(error)]
  }
}

async function readOnly(path: string) {
  const opened = await openSqliteReadOnly(path, seal)
  return { ...opened, [Symbol.asyncDispose]: () => opened.close() }
}

/** Those of the edits that `notices` is false for, of those that SQLite lets through. */
async function unnoticed(among: Edit[], notices: (path: string) => Promise<boolean>): Promise<string[]> {
  const names: string[] = []
  for (const edit of among) {
    const path = edited(edit)
    if (path !== undefined && !(await notices(path))) names.push(`${edit.table}: ${edit.what}`)
  }
  return names
}

it('every table is edited, in every column', () => {
  using db = new DatabaseSync(whole, { readOnly: true })
  const names = db
    .prepare("select name from sqlite_master where type = 'table'")
    .all()
    .map(({ name }) => name)
  expect(new Set(edits.map(({ table }) => table))).toEqual(new Set(names))
  expect(names).toEqual(
    expect.arrayContaining([...sealedTables, 'audit_events', 'audit_head', 'kysely_migration']),
  )
  expect(edits.length).toBeGreaterThan(500)
})

it(
  'every edit is named by verification, but for those that SECURITY.md lists',
  { timeout: 120_000 },
  async () => {
    const before = await found(whole)
    const notices = async (path: string) => (await found(path)).some((fault) => !before.includes(fault))
    const left = await unnoticed(edits, notices)
    expect(left.filter((name) => !unseen.some((table) => name.startsWith(`${table}: `)))).toEqual([])
    const page = readFileSync(fileURLToPath(new URL('../../SECURITY.md', import.meta.url)), 'utf8')
    for (const table of unseen) expect(page).toContain(`\`${table}\``)
  },
)

it(
  'every edit of what grants is known to the next broker before it grants',
  { timeout: 120_000 },
  async () => {
    // An approval holds for one request with all that it needs: `test/approvals/tampering.test.ts`.
    const watched = sealedTables.filter((table) => table !== 'approvals')
    const among = edits.filter(({ table }, index) => (watched as string[]).includes(table) && index % 3 === 0)
    const notices = async (path: string) => {
      const opened = await openSqlite(path, seal)
      try {
        await opened.lookedThrough()
        const { doubts, damaged } = opened.intrusion
        return doubts.length + damaged.length > 0
      } finally {
        await opened.close()
      }
    }
    expect(await unnoticed(among, notices)).toEqual([])
  },
)
