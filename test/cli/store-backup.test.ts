/** A copy made beside a running broker lacks nothing, and is known for what it is when it is put back. */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { filesOf } from '../support/broker-files.ts'
import { beside } from '../support/database.ts'
import { mayfly } from '../support/mayfly.ts'
import { expectRefusal } from '../support/refusal.ts'
import { sharedBroker } from '../support/shared-broker.ts'
import { besideFile } from '../support/sqlite.ts'

const broker = await sharedBroker()
const at = (name: string) => join(broker.directory, name)
const backup = (name: string, ...args: string[]) =>
  mayfly(['store', 'backup', '-c', broker.file, at(name), ...args])
/** What is there whose name begins like this. */
const named = (name: string) => readdirSync(broker.directory).filter((each) => each.startsWith(name))

/** Node's options for a process on a file system without links. */
const withoutLinks = `--import=data:text/javascript,${encodeURIComponent(`
  import fs from 'node:fs'
  import { syncBuiltinESMExports } from 'node:module'
  fs.linkSync = () => { throw Object.assign(new Error('EPERM: operation not permitted, link'), { code: 'EPERM' }) }
  syncBuiltinESMExports()
`)}`

test('a copy made while tasks come and go has all that was done before it, and is one private file', async () => {
  const { body: before } = await broker.open()
  let copying = true
  const busy = async () => {
    while (copying) await broker.complete((await broker.open()).body)
  }
  const work = busy()
  const { status, stdout, stderr } = await backup('copy.db', '--json')
  copying = false
  await work
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(JSON.parse(stdout)).toMatchObject({
    file: at('copy.db'),
    events: expect.any(Number),
    head: expect.stringMatching(/^\d+:/),
  })
  expect(readdirSync(broker.directory).filter((name) => name.startsWith('copy'))).toEqual(['copy.db'])
  expect(statSync(at('copy.db')).mode & 0o777).toBe(0o600)
  const tasks = beside(broker, (db) => {
    db.exec(`attach '${at('copy.db')}' as copy`)
    const found = db.prepare('select id from copy.tasks').all()
    db.exec('detach copy')
    return found
  })
  expect(tasks).toContainEqual({ id: before.id })
})

/** Runs a command on a store at `path`, with nothing known outside it. */
const on = (path: string, ...command: string[]) => knowing(at('none'), path, ...command)

/** The same with what the file `lastHead` knows. */
async function knowing(lastHead: string, path: string, ...command: string[]) {
  const files = await filesOf(broker)
  await files.configure((settings) => {
    settings['store'] = `sqlite:${path}`
    settings['audit'] = { last_head: lastHead }
  })
  const ended = await mayfly([...command, '-c', broker.file])
  await files.restore()
  return ended
}

test('nobody has a copy: it can be tried while the broker runs, and stays intact', async () => {
  expect((await backup('tried.db')).status).toBe(0)
  expect(await on(at('tried.db'), 'store', 'migrate')).toMatchObject({ status: 0, stderr: '' })
  expect(await on(at('tried.db'), 'audit', 'verify')).toMatchObject({ status: 0, stderr: '' })
})

test('a plain copy is refused while the broker runs, and is left as it was', async () => {
  for (const ends of [[''], ['', '-wal']]) {
    const files = ends.map((end) => at(`plain.db${end}`))
    for (const end of ends) copyFileSync(at(`mayfly.db${end}`), at(`plain.db${end}`))
    const before = files.map((file) => readFileSync(file))
    const { status, stderr } = await on(at('plain.db'), 'store', 'migrate')
    expect(status).toBe(1)
    expect(stderr).toContain('or on the file of which that is a plain copy')
    expect(files.map((file) => readFileSync(file))).toEqual(before)
    for (const file of files) rmSync(file)
  }
})

test('no copy is made of a plain copy: it lacks what the copy would vouch for', async () => {
  copyFileSync(at('mayfly.db'), at('plain.db'))
  const { status, stderr } = await on(at('plain.db'), 'store', 'backup', at('of-plain.db'))
  expect(status).toBe(1)
  expect(stderr).toContain('plain copy of the file of a running broker')
  expect(readdirSync(broker.directory).filter((name) => name.startsWith('of-plain'))).toEqual([])
})

test('a file whose log somebody has moved into it lacks nothing: the head outside says so', async () => {
  await broker.open()
  for (const end of ['', '-wal']) copyFileSync(at(`mayfly.db${end}`), at(`folded.db${end}`))
  besideFile(at('folded.db'), 'select count(*) from tasks')
  const head = at('mayfly-head')
  expect(await knowing(head, at('folded.db'), 'audit', 'verify')).toMatchObject({ status: 0, stderr: '' })
  const copied = await knowing(head, at('folded.db'), 'store', 'backup', at('of-folded.db'))
  expect(copied).toMatchObject({ status: 0, stderr: '' })
  expect((await on(at('folded.db'), 'audit', 'verify')).status).toBe(1)
})

test('put back as the newest that there is, it serves on; with something newer, nothing is granted', async () => {
  const { body: task } = await broker.open()
  await broker.stop()
  expect((await backup('last.db')).status).toBe(0)
  putBack('last.db')
  await broker.start()
  expect((await broker.mint(task)).status).toBe(201)
  expect((await backup('older.db')).status).toBe(0)
  await broker.complete(task)
  await broker.stop()
  putBack('older.db')
  await broker.start()
  expectRefusal(await broker.mint(task), 503, 'unavailable')
  await broker.stop()
  const accept = ['store', 'accept', '-c', broker.file, '--reason', 'restored', '--yes']
  expect((await mayfly(accept, process.env)).status).toBe(0)
  await broker.start()
})

test('a file that is there stays as it is', async () => {
  writeFileSync(at('mine'), 'something else')
  expect(await backup('mine')).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('is there already'),
  })
  expect(statSync(at('mine')).size).toBe('something else'.length)
})

test('a file beside it that is called like what is under way stays as it is, and is in nobody’s way', async () => {
  writeFileSync(at('own.db.partial'), 'somebody else’s, or of a backup that was killed')
  expect(await backup('own.db')).toMatchObject({ status: 0, stderr: '' })
  expect(readFileSync(at('own.db.partial'), 'utf8')).toBe('somebody else’s, or of a backup that was killed')
  expect(named('own.db')).toEqual(['own.db', 'own.db.partial'])
})

test.each([
  ['', {}],
  [', on a file system without links', { NODE_OPTIONS: withoutLinks }],
])('of several at once to one file%s the first is kept, and the others say so', async (_where, env) => {
  const once = ['store', 'backup', '-c', broker.file, at('once.db'), '--json']
  const ended = await Promise.all(Array.from({ length: 3 }, () => mayfly(once, env)))
  const [made, ...others] = ended.toSorted((a, b) => Number(a.status) - Number(b.status))
  expect(made).toMatchObject({ status: 0, stderr: '' })
  for (const { status, stderr } of others) {
    expect(status).toBe(1)
    expect(JSON.parse(stderr)).toMatchObject({ detail: `${at('once.db')} is there already` })
  }
  expect(named('once.db')).toEqual(['once.db'])
  expect(statSync(at('once.db')).mode & 0o777).toBe(0o600)
  const { head } = JSON.parse(made!.stdout) as { head: string }
  expect(await on(at('once.db'), 'audit', 'verify', '--head', head)).toMatchObject({ status: 0, stderr: '' })
  rmSync(at('once.db'))
})

test('where it cannot be written, nothing is left, and it says so', async () => {
  const { status, stderr } = await backup('no/such/folder')
  expect(status).toBe(1)
  expect(stderr).toContain('cannot be copied')
})

test('a plain copy of a running broker’s file is known for one by verification, wherever it lies', async () => {
  const { body: task } = await broker.open()
  const plain = join(broker.directory, 'plain')
  mkdirSync(plain)
  copyFileSync(at('mayfly.db'), join(plain, 'mayfly.db'))
  await broker.complete(task)
  const { status, stdout } = await on(join(plain, 'mayfly.db'), 'audit', 'verify', '--json')
  expect(status).toBe(1)
  expect(JSON.parse(stdout)).toMatchObject({
    discrepancies: [{ message: expect.stringContaining('plain copy of the file of a running broker') }],
  })
  const own = await mayfly(['audit', 'verify', '-c', broker.file])
  expect(own.status).toBe(0)
})

test('a store that was altered gives no copy', async () => {
  await broker.stop()
  beside(broker, (db) => db.exec("update audit_events set actor = 'admin:eve' where seq = 3"))
  const { status, stderr } = await backup('altered.db')
  expect(status).toBe(1)
  expect(stderr).toContain('the copy is not intact')
  expect(existsSync(at('altered.db'))).toBe(false)
  beside(broker, (db) => db.exec("update audit_events set actor = 'broker' where seq = 3"))
  await broker.start()
})

function putBack(copy: string): void {
  for (const end of ['', '-wal', '-shm']) rmSync(at(`mayfly.db${end}`), { force: true })
  renameSync(at(copy), at('mayfly.db'))
}

test('before the first start there is nothing to copy, and that is what it says', async () => {
  const { status, stderr } = await on(at('never.db'), 'store', 'backup', at('nothing.db'))
  expect(status).toBe(1)
  expect(stderr).toContain(`there is no store at ${at('never.db')}\n`)
  expect(named('nothing')).toEqual([])
})
