/** A broker outgrows its file: all that it knows goes into PostgreSQL, and it goes on there. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { filesOf } from '../support/broker-files.ts'
import { mayfly } from '../support/mayfly.ts'
import {
  besideDatabase,
  embeddedServer,
  type PostgresServer,
  serverTakesMs,
} from '../support/postgres-server.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()
const source = join(broker.directory, 'mayfly.db')
const run = (...args: string[]) => mayfly([...args, '-c', broker.file, '--json'], process.env)

let server: PostgresServer
beforeAll(async () => {
  server = await embeddedServer()
}, serverTakesMs)
afterAll(() => server[Symbol.asyncDispose](), serverTakesMs)

test('what is no store of ours is told as that, and `store` is not blamed for it', async () => {
  const files = await filesOf(broker)
  const url = await server.database()
  await files.configure((settings) => (settings['store'] = url))
  const [folder, text] = [join(broker.directory, 'folder'), join(broker.directory, 'notes.txt')]
  mkdirSync(folder)
  writeFileSync(text, 'These are some notes, and not a database.\n'.repeat(100))
  for (const file of [folder, text]) {
    const { status, stderr } = await run('store', 'copy', file)
    expect(status).toBe(1)
    expect(JSON.parse(stderr)).toMatchObject({
      detail: expect.stringContaining(`the store ${file} cannot be opened: `),
      remedy: expect.stringMatching(/^Name as FILE the SQLite store/),
    })
  }
  await files.restore()
})

test('what is in the way in the database is named, and nothing else is put there', async () => {
  await broker.stop()
  const files = await filesOf(broker)
  const url = await server.database()
  await besideDatabase(url, 'create table tasks (what text)')
  await files.configure((settings) => (settings['store'] = url))
  const { status, stderr } = await run('store', 'copy', source)
  expect(status).toBe(1)
  expect(JSON.parse(stderr)).toMatchObject({
    detail: expect.stringMatching(/^nothing was copied: .*: relation "tasks" already exists$/),
    remedy: expect.stringContaining('which must be empty'),
  })
  const { stderr: migrating } = await run('store', 'migrate')
  expect(migrating).toContain(String.raw`relation \"tasks\" already exists`)
  expect(await besideDatabase(url, "select tablename from pg_tables where schemaname = 'public'")).toEqual([
    { tablename: 'tasks' },
  ])
  await files.restore()
  await broker.start()
})

test('a store with history is copied, verifies before and after, and the broker goes on where it was', async () => {
  const { body: open } = await broker.open()
  const { body: minted } = await broker.mint(open)
  await broker.complete((await broker.open()).body)
  const files = await filesOf(broker)
  const url = await server.database()
  const named = JSON.parse((await run('audit', 'verify')).stdout) as { head: unknown }
  expect(named).toMatchObject({ discrepancies: [] })
  await files.configure((settings) => (settings['store'] = url))

  const refused = await run('store', 'copy', source)
  expect(refused.status).toBe(1)
  expect(refused.stderr).toContain('another broker is running')
  await broker.stop()

  const key = join(broker.directory, 'seal.key')
  const right = await readFile(key)
  await writeFile(key, Buffer.alloc(32, 9).toString('base64'))
  const underAnother = await run('store', 'copy', source)
  await writeFile(key, right)
  expect(underAnother.status).toBe(1)
  expect(underAnother.stderr).toContain('nothing in the store is under the seal key')

  const { status, stdout, stderr } = await run('store', 'copy', source)
  expect({ status, stderr }).toMatchObject({ status: 0 })
  const copied = JSON.parse(stdout) as { events: number; head: string }
  const verified = await run('audit', 'verify', '--head', copied.head)
  expect({ status: verified.status, stderr: verified.stderr }).toMatchObject({ status: 0 })

  const again = await run('store', 'copy', source)
  expect(again.status).toBe(1)
  expect(again.stderr).toContain('is not empty')

  expect(JSON.parse((await run('store', 'migrate')).stdout)).toEqual({ migrated: false })
  await broker.start()
  const { body: task } = await broker.read(open)
  expect(task).toMatchObject({ status: 'active', leases: [{ id: minted.lease.id, status: 'active' }] })
  expect((await broker.mint(open)).status).toBe(201)
  expect((await broker.complete(open)).body.leases).toMatchObject([
    { status: 'revoked' },
    { status: 'revoked' },
  ])
  const after = await run('audit', 'verify', '--head', copied.head)
  expect(after.status).toBe(0)
  expect((await run('doctor')).stdout).toContain('postgres://127.0.0.1')
  const backup = await run('store', 'backup', join(broker.directory, 'copy.db'))
  expect(backup.stderr).toMatch(/backed up by its own means.*Run `pg_dump` on it/s)

  // The file is an earlier state from then on.
  await broker.stop()
  await files.restore()
  await broker.start()
  expectRefusal(await broker.open(), 503, 'unavailable')
  const doubted = await mayfly(['audit', 'verify', '-c', broker.file], process.env)
  expect(doubted.stderr).toMatch(/: the store ends at event \d+, [^:]*; nobody has accepted that yet/)
  expect(doubted.stderr).not.toContain(': :')
  expect(doubted.stderr).toContain('If you restored a backup: `mayfly store accept`')
}, 180_000)

test('the tables of a new database are made without a broker', async () => {
  await broker.stop()
  const files = await filesOf(broker)
  await files.configure((settings) => (settings['store'] = { url: { env: 'DATABASE_URL' }, pool: 4 }))
  const env = { ...process.env, DATABASE_URL: await server.database() }
  await rename(join(broker.directory, 'mayfly-head'), join(broker.directory, 'head.kept'))
  const doctor = await mayfly(['doctor', '-c', broker.file, '--json'], env)
  expect(doctor.status).toBe(0)
  expect((JSON.parse(doctor.stdout) as { checks: { check: string }[] }).checks).toContainEqual({
    check: 'store',
    status: 'ok',
    message: expect.stringMatching(/^no broker has run on postgres:.+: the first start makes its tables$/),
  })
  // A file outside tells of a store that was there.
  await rename(join(broker.directory, 'head.kept'), join(broker.directory, 'mayfly-head'))
  const lost = await mayfly(['doctor', '-c', broker.file, '--json'], env)
  expect(lost.status).toBe(1)
  expect(lost.stdout).toContain('though the head of its record is kept outside it')
  const verify = await mayfly(['audit', 'verify', '-c', broker.file], env)
  expect(verify.stderr).toContain('no broker has run on this database\n')
  const migrate = async () => {
    const { stdout } = await mayfly(['store', 'migrate', '-c', broker.file, '--json'], env)
    return JSON.parse(stdout) as unknown
  }
  expect(await migrate()).toEqual({ migrated: true })
  expect(await migrate()).toEqual({ migrated: false })
})

test.each([
  [
    'holds tables of something else',
    'create table tasks (what text)',
    "has what is no store of Mayfly's: tasks",
  ],
  [
    'does not let its user make any',
    'create role maker login; alter schema public owner to maker; revoke create on schema public from public',
    'its user may not make tables in the schema public',
  ],
])('a database that %s is a fault before the first start, and a start says why', async (_what, sql, why) => {
  const url = await server.database()
  const role = `least${String(url.length)}${why.length}`
  await besideDatabase(url, `${sql}; create role ${role} login password 'example'`)
  const files = await filesOf(broker)
  const asRole = new URL(url)
  if (sql.includes('role maker')) asRole.username = role
  await files.configure((settings) => (settings['store'] = asRole.href))
  const { status, stdout } = await run('doctor')
  const migrating = await run('store', 'migrate')
  await files.restore()
  expect(status).toBe(1)
  expect(JSON.parse(stdout).checks).toContainEqual(
    expect.objectContaining({ check: 'store', status: 'fault', message: expect.stringContaining(why) }),
  )
  expect(migrating.status).toBe(1)
  expect(migrating.stderr).toContain(sql.includes('role maker') ? why : 'already exists')
})
