/**
 * Somebody edits the database of a running broker, cell by cell and row by row: whatever was
 * refused before is refused still. `MAYFLY_EDITS=all` tries every edit.
 */
import type { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sealedTables } from '../../src/store/sealed-tables.ts'
import { agentFiles, subjectOf } from '../support/agents.ts'
import { type Answer, readWeb, startTestBroker, type TestBroker, writeWeb } from '../support/broker.ts'
import { beside } from '../support/database.ts'
import { aRun, withSessions } from '../support/runs.ts'
import { type Cells, everyEdit, rowsOf } from './edits.ts'

const all = process.env['MAYFLY_EDITS'] === 'all'
/** Of all edits, those that are tried: a number that goes into none of the ways of editing a cell. */
const triedEach = all ? 1 : 7
const timeout = all ? 3_600_000 : 120_000

let broker: TestBroker
/** By name, what is refused. */
let refused: Record<string, () => Promise<Answer>>
let allowed: () => Promise<Answer>
beforeAll(async () => {
  broker = await startTestBroker({ ...withSessions(), files: agentFiles('stopped-bot') })
  const open = async (details: unknown[], claims: Record<string, unknown> = aRun()) =>
    (await broker.open({ authorization_details: details }, claims)).body
  const ended = await open([writeWeb])
  await broker.mint(ended)
  await broker.complete(ended)
  const narrow = await open([readWeb])
  await broker.mint(narrow, readWeb)
  const infra = { ...writeWeb, repositories: ['acme/infra'] }
  const waiting = await open([infra])
  const token = await broker.workload(aRun())
  const body = { purpose: 'a test', authorization_details: [readWeb] }
  const again = () => broker.call('POST', '/v1/tasks', { token, body })
  await again()
  const headers = { 'Idempotency-Key': 'kept' }
  await broker.call('POST', '/v1/tasks', { token: await broker.workload(aRun()), headers, body })
  const run = aRun()
  await broker.revoke({ task: (await open([readWeb], run)).id })
  const stopped = { sub: subjectOf('stopped-bot') }
  const asAdmin = async (path: string) =>
    broker.call('POST', path, { token: await broker.admin(), body: { reason: 'odd' } })
  await asAdmin('/v1/admin/agents/stopped-bot/suspend')
  refused = {
    'a task that is over mints': () => broker.mint(ended),
    'a task mints more than its scope': () => broker.mint(narrow, writeWeb),
    'a task that waits for approval mints': () => broker.mint(waiting, infra),
    'a token is used twice': again,
    'a fenced session opens': () => broker.open({}, run),
    'a suspended agent opens': () => broker.open({}, { ...stopped, ...aRun() }),
  }
  allowed = async () => {
    const minted = await broker.mint(narrow, readWeb)
    const path = `/v1/tasks/${narrow.id}/leases/${minted.body.lease?.id}/revoke`
    await broker.call('POST', path, { token: narrow.task_token })
    return minted
  }
})
afterAll(() => broker[Symbol.asyncDispose]())

/** Those that are not refused. */
async function powers(): Promise<string[]> {
  const asked = Object.entries(refused).map(async ([name, ask]) => [name, (await ask()).status] as const)
  return (await Promise.all(asked)).flatMap(([name, status]) => (status < 400 ? [name] : []))
}

function restore(db: DatabaseSync, table: string, rows: Cells[]): void {
  db.exec(`pragma foreign_keys = off; begin; delete from "${table}"`)
  for (const { _row: row, ...cells } of rows) {
    const columns = Object.keys(cells).map((column) => `"${column}"`)
    const values = columns.map(() => '?').join()
    db.prepare(`insert into "${table}" (rowid, ${columns.join()}) values (?, ${values})`).run(
      row!,
      ...Object.values(cells),
    )
  }
  db.exec('commit')
}

test('no edit gives anybody what they were refused', { timeout }, async () => {
  expect(await powers()).toEqual([])
  expect((await allowed()).status).toBe(201)
  // An altered lease is revoked as soon as it is seen, so it does not stay as it is: `test/e2e/forged-rows.test.ts`.
  const tables = sealedTables.filter((table) => table !== 'leases') as string[]
  const edits = beside(broker, (db) => everyEdit(db, {})).filter(({ table }) => tables.includes(table))
  const given: string[] = []
  for (const [at, { table, what, apply }] of edits.entries()) {
    if (at % triedEach > 0) continue
    const before = beside(broker, (db) => {
      db.exec('pragma foreign_keys = off')
      const rows = rowsOf(db, table)
      try {
        apply(db)
      } catch {
        // SQLite itself refuses it.
      }
      return rows
    })
    given.push(...(await powers()).map((power) => `${table}, ${what}: ${power}`))
    beside(broker, (db) => restore(db, table, before))
    // Otherwise it would refuse everything, and this would show nothing.
    if (at % (triedEach * 10) === 0) expect((await allowed()).status, `${table}, ${what}`).toBe(201)
  }
  expect(given).toEqual([])
  expect(edits.length).toBeGreaterThan(400)
})
