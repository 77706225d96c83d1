/**
 * Every edit of one cell and of one row, of every table that there is, in a store in which
 * everything occurs: none goes unnoticed, but for those that SECURITY.md lists.
 */
import { copyFileSync, existsSync, readFileSync, rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { verifyAudit } from '../../src/audit/verify.ts'
import { auditTrail } from '../../src/store/audit.ts'
import { type SealedTable, sealedTables, sealingOf } from '../../src/store/sealed-tables.ts'
import { openSqlite, openSqliteReadOnly } from '../../src/store/sqlite.ts'
import { tables } from '../../src/store/tables.ts'
import type { SqliteSubject } from '../support/sqlite.ts'
import { testSeal } from '../support/store.ts'
import { type Edit, everyEdit, rowsOf, tablesOf } from './edits.ts'
import { liveOn, lived } from './lived.ts'

/** `MAYFLY_EDITS=all` makes every edit of every row of each table, and not half of those of the first and the last alone. */
const all = process.env['MAYFLY_EDITS'] === 'all'
const namedEach = all ? 1 : 2
/** Of the edits of what grants, those that brokers are started on. */
const startedEach = all ? 1 : 7
const timeout = all ? 3_600_000 : 120_000

const seal = testSeal()
let store: SqliteSubject
/** As it was in the middle of its history, and as it is at the end; another installation's in the middle. */
let [older, whole, foreign] = ['', '', '']
let edits: Edit[] = []

beforeAll(async () => {
  store = await lived(seal)
  const name = (what: string) => `${store.path}.${what}`
  ;[older, whole, foreign] = [name('older'), name('whole'), name('foreign')]
  await copied(store, older)
  await liveOn(store)
  await copied(store, whole)
  await using other = await lived(seal)
  await copied(other, foreign)
  using db = new DatabaseSync(whole, { readOnly: true })
  using then = new DatabaseSync(older, { readOnly: true })
  using there = new DatabaseSync(foreign, { readOnly: true })
  edits = everyEdit(db, { older: then, foreign: there }, all ? Infinity : 2)
})
afterAll(() => store[Symbol.asyncDispose]())

async function copied(from: SqliteSubject, to: string): Promise<void> {
  await from.close()
  copyFileSync(from.path, to)
  await from.reopen()
}

/** A fresh copy. */
function copy(): string {
  const path = `${store.path}.copy`
  for (const ending of ['', '-wal', '-shm']) if (existsSync(path + ending)) rmSync(path + ending)
  copyFileSync(whole, path)
  return path
}

/** Applies the edit. False where SQLite itself refuses it, or a broker that has started wrote the same. */
function applied({ apply, table }: Pick<Edit, 'apply'> & Partial<Edit>, path: string): boolean {
  using db = new DatabaseSync(path, { enableForeignKeyConstraints: false, defensive: false })
  const now = () => table && JSON.stringify(rowsOf(db, table))
  const before = now()
  try {
    apply(db)
    return table === undefined || now() !== before
  } catch {
    return false
  }
}

/** What verification finds there; a store that it does not even read is found too. */
async function found(path: string): Promise<string[]> {
  try {
    const opened = await openSqliteReadOnly(path, seal)
    try {
      const given = { trail: auditTrail(), tables, seal }
      const { discrepancies } = await opened.unit.read((tx) => verifyAudit(tx, given))
      return discrepancies.map((each) => JSON.stringify(each))
    } finally {
      await opened.close()
    }
  } catch (error) {
    return [String(error)]
  }
}

it('every table is edited', () => {
  using db = new DatabaseSync(whole, { readOnly: true })
  const names = tablesOf(db)
  expect(new Set(edits.map(({ table }) => table))).toEqual(new Set(names))
  expect(names).toEqual(
    expect.arrayContaining([...sealedTables, 'audit_events', 'audit_head', 'kysely_migration']),
  )
  expect(edits.length).toBeGreaterThan(800)
})

it('every edit is named by verification, but for those that SECURITY.md lists', { timeout }, async () => {
  const before = await found(whole)
  const unnamed: Edit[] = []
  for (const edit of edits.filter((_, at) => at % namedEach === 0)) {
    const path = copy()
    if (applied(edit, path) && (await found(path)).every((fault) => before.includes(fault)))
      unnamed.push(edit)
  }
  const page = readFileSync(fileURLToPath(new URL('../../SECURITY.md', import.meta.url)), 'utf8')
  const listed = [...page.matchAll(/^\| `(\w+)`.*\| does not look +\|/gm)].map(([, table]) => table)
  expect(listed.length).toBeGreaterThan(0)
  const tablesLeft = new Set(unnamed.map(({ table }) => table))
  expect(tablesLeft, JSON.stringify(unnamed)).toEqual(new Set(listed))
})

/** What a store holds for true may still grant: a row that keeps somebody out has to stop everything. */
const isKnown = ({ intrusion }: Awaited<ReturnType<typeof openSqlite>>, table: string) =>
  intrusion.doubts.length > 0 ||
  (intrusion.damaged.length > 0 && sealingOf(table as SealedTable).keepsOut !== true)

it.each(['before a broker starts', 'while a broker runs'])(
  'every edit of what grants, made %s, is known before anything is granted',
  { timeout },
  async (when) => {
    // An approval holds for one request with all that it needs: `test/approvals/tampering.test.ts`.
    const grants = [
      ...sealedTables.filter((table) => table !== 'approvals'),
      'audit_head',
      'kysely_migration',
    ]
    const among = edits.filter(({ table }, at) => grants.includes(table) && at % startedEach === 0)
    const missed: string[] = []
    for (const edit of among) {
      const path = copy()
      if (when.startsWith('before') && !applied(edit, path)) continue
      const opened = await openSqlite(path, seal).catch((error: unknown) => {
        // One that makes no sense keeps it from starting at all.
        if (edit.table !== 'kysely_migration') throw error
      })
      if (!opened) continue
      try {
        await opened.lookedThrough()
        if (when.startsWith('while')) {
          expect(opened.intrusion).toEqual({ doubts: [], damaged: [] })
          if (!applied(edit, path)) continue
          await opened.look()
          await opened.lookedThrough()
        }
        if (!isKnown(opened, edit.table)) missed.push(`${edit.table}: ${edit.what}`)
      } finally {
        await opened.close()
      }
    }
    expect(missed).toEqual([])
  },
)

it.each([
  ['a trigger', 'create trigger more after insert on tasks begin select 1; end'],
  ['a view', 'create view more as select * from tasks'],
  ['a table', 'create table more (id text)'],
  ['an index', 'create index more on tasks (agent)'],
  ['a column', 'alter table tasks add column more text'],
  ['a table less', 'drop table idempotency'],
  [
    'another definition',
    "pragma writable_schema = on; update sqlite_schema set sql = replace(sql, 'not null', '') where name = 'used_tokens'",
  ],
])('%s is known to a broker, running or not, and to verification', { timeout }, async (_, sql) => {
  const before = await found(whole)
  const edit = { apply: (db: DatabaseSync) => db.exec(sql) }
  const path = copy()
  const running = await openSqlite(path, seal)
  expect(applied(edit, path)).toBe(true)
  await running.look()
  await running.lookedThrough()
  const { doubts } = running.intrusion
  await running.close().catch(() => undefined)
  expect(doubts).not.toEqual([])
  expect(await found(path)).not.toEqual(before)
})

it.each([0, -1, -9_999])('an event that is put at seq %i is named', async (seq) => {
  const path = copy()
  const columns = 'at, type, actor, agent, owner, task, lease, status, data, request, key, mac'
  const sql = `insert into audit_events (seq, ${columns}) select ${seq}, ${columns} from audit_events where seq = 1`
  expect(applied({ apply: (db) => db.exec(sql) }, path)).toBe(true)
  expect(await found(path)).toContainEqual(
    JSON.stringify({ seq, message: 'there never was such an event: it was put there' }),
  )
})
