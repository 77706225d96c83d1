import { existsSync } from 'node:fs'
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { startTestBroker, type TestBroker } from '../support/broker.ts'
import { mayfly } from '../support/mayfly.ts'

let broker: TestBroker
beforeAll(async () => {
  broker = await startTestBroker()
  const { body: task } = await broker.open()
  await broker.mint(task)
  await broker.complete(task)
})
afterAll(() => broker[Symbol.asyncDispose]())

const verify = (...args: string[]) => mayfly(['audit', 'verify', '-c', broker.file, ...args])

/** Changes the stopped broker's tables by hand, for as long as `look` takes. */
async function tampered(sql: string, undo: string, look: () => Promise<void>): Promise<void> {
  const database = new DatabaseSync(join(broker.directory, 'mayfly.db'))
  try {
    database.exec(sql)
    await look()
    database.exec(undo)
  } finally {
    database.close()
  }
}

it('an intact record is told with its events and its head, beside a running broker', async () => {
  const { status, stdout, stderr } = await verify()
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(stdout).toMatch(/^intact: \d+ events, head \d+:[\w-]{43}\n$/)
})

it('an altered event is found, and named as the first bad one', async () => {
  await broker.stop()
  await tampered(
    `UPDATE audit_events SET actor = 'admin:x' || actor WHERE seq IN (3, 5)`,
    `UPDATE audit_events SET actor = substr(actor, 8) WHERE seq IN (3, 5)`,
    async () => {
      const { status, stdout, stderr } = await verify()
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
      expect(stderr).toContain('the first bad event is 3')
      expect(stderr).toMatch(/^mayfly: not_intact: .+: event 3: .+; event 5: .+\n {2}.+\n$/)
      const inJson = await verify('--json')
      expect(inJson).toMatchObject({ status: 1, stderr: '' })
      expect(JSON.parse(inJson.stdout)).toMatchObject({
        intact: false,
        first_bad_seq: 3,
        discrepancies: [{ seq: 3 }, { seq: 5 }],
      })
    },
  )
  expect(await verify()).toMatchObject({ status: 0 })
})

it('a row that says otherwise than the record is found', async () => {
  await broker.stop()
  await tampered(`UPDATE tasks SET status = 'active'`, `UPDATE tasks SET status = 'completed'`, async () => {
    const { status, stderr } = await verify()
    expect(status).toBe(1)
    expect(stderr).toMatch(/task_\w+: it is active in the tables but completed in the record/)
  })
})

it('a noted head that the record reaches is confirmed; one that it does not is a truncation', async () => {
  await broker.stop()
  const { head, intact, first_bad_seq } = JSON.parse((await verify('--json')).stdout)
  expect({ intact, first_bad_seq }).toEqual({ intact: true, first_bad_seq: null })
  expect(await verify('--head', head)).toMatchObject({ status: 0 })
  const [seq, mac] = head.split(':')
  const { status, stderr } = await verify('--head', `${Number(seq) + 1}:${mac}`)
  expect(status).toBe(1)
  expect(stderr).toContain(`the first bad event is ${Number(seq) + 1}`)
})

it('a copy of a running database that lacks the newest events says so, by the head kept outside', async () => {
  await broker.stop()
  await broker.start()
  const store = join(broker.directory, 'mayfly.db')
  const upToNow = JSON.parse((await verify('--json')).stdout).events as number
  // These stand in SQLite's log for now, which whoever copies the file alone does not take along.
  for (let n = 0; n < 3; n += 1) await broker.open()
  await copyFile(store, join(broker.directory, 'copy.db'))
  const file = join(broker.directory, 'copy.yaml')
  await writeFile(file, (await readFile(broker.file, 'utf8')).replace('mayfly.db', 'copy.db'))
  const copy = await mayfly(['audit', 'verify', '-c', file, '--json'])
  expect(copy.status).toBe(1)
  const found = JSON.parse(copy.stdout)
  expect(found.events).toBeLessThan(upToNow + 3)
  expect(found).toMatchObject({
    first_bad_seq: found.events + 1,
    discrepancies: [{ message: expect.stringContaining('whose head was kept outside it') }],
  })
  expect(await verify()).toMatchObject({ status: 0 })
  // One whose head cannot be read vouches for nothing.
  const head = join(broker.directory, 'mayfly-head')
  const kept = await readFile(head)
  await broker.stop()
  await writeFile(head, 'nonsense')
  expect((await verify()).stderr).toContain('cannot be read')
  await writeFile(head, kept)
})

it('a copy of a file that SQLite has never written back to says what it lacks', async () => {
  new DatabaseSync(join(broker.directory, 'empty.db')).exec('pragma journal_mode = wal')
  const file = join(broker.directory, 'empty.yaml')
  await writeFile(file, (await readFile(broker.file, 'utf8')).replace('mayfly.db', 'empty.db'))
  expect(await mayfly(['audit', 'verify', '-c', file])).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('lacks all that is in its log'),
  })
})

it('a store that is not there is told as that, and not made', async () => {
  const file = join(broker.directory, 'other.yaml')
  await writeFile(file, (await readFile(broker.file, 'utf8')).replace('mayfly.db', 'absent.db'))
  const { status, stdout, stderr } = await mayfly(['audit', 'verify', '-c', file])
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' })
  expect(stderr).toMatch(/^mayfly: the store .+absent\.db cannot be opened: there is none yet\n {2}.+\n$/)
  expect(existsSync(join(broker.directory, 'absent.db'))).toBe(false)
})

it('a record whose seal key is gone is not called altered: the key is asked for', async () => {
  const settings = await readFile(broker.file, 'utf8')
  const other = join(broker.directory, 'other.key')
  await writeFile(other, Buffer.alloc(32, 9).toString('base64'))
  await writeFile(broker.file, settings.replaceAll('k1', 'k2').replaceAll('seal.key', 'other.key'))
  try {
    const { status, stderr } = await verify()
    expect(status).toBe(1)
    expect(stderr).toContain('the record cannot be verified without the seal key k1')
    expect(stderr).toContain('Put it back under `seal.keys`')
  } finally {
    await writeFile(broker.file, settings)
  }
})
