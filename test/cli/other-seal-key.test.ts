/** What each command makes of a store that another seal key has written: nothing, and says what to do. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { discrepancies } from '../support/audit.ts'
import { beside } from '../support/database.ts'
import { mayfly } from '../support/mayfly.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()
const key = join(broker.directory, 'seal.key')
const right = await readFile(key, 'utf8')
const settings = await readFile(broker.file, 'utf8')
const use = (bytes: string) => writeFile(key, bytes, { mode: 0o600 })
const wrong = Buffer.alloc(32, 9).toString('base64')
const offline = ['--offline', '-c', broker.file, '--reason', 'r', '--within', '5']

beforeEach(async () => {
  await use(right)
  await writeFile(broker.file, settings)
})

test.each([
  ['serve', ['serve', '-c', broker.file]],
  ['store migrate', ['store', 'migrate', '-c', broker.file]],
  ['store accept', ['store', 'accept', '-c', broker.file, '--reason', 'r', '--yes']],
  ['admin revoke', ['admin', 'revoke', '--all', ...offline]],
  ['admin contain', ['admin', 'contain', '--all', ...offline]],
  ['store backup', ['store', 'backup', '-c', broker.file, join(broker.directory, 'backup.db')]],
])('%s touches nothing, and names the key and the way on', async (_command, args) => {
  await broker.stop()
  await use(wrong)
  const { status, stderr } = await mayfly(args, process.env)
  expect(status).toBe(1)
  expect(stderr).toContain('nothing in the store is under the seal key that is configured as k1')
  expect(stderr).toContain('Put the key that wrote it under `seal.keys`')
  expect(stderr).toContain('--lost-seal-key')
  await use(right)
  await broker.start()
  expect(await discrepancies(broker)).toEqual([])
  expect((await broker.open()).status).toBe(201)
})

test('doctor says that it is the key', async () => {
  await use(wrong)
  const { stdout } = await mayfly(['doctor', '-c', broker.file])
  expect(stdout).toMatch(
    /^fault +store +nothing in the store is under the seal key .+\n +Put the key that wrote it under/m,
  )
})

test('a reload with other bytes under the same id is refused', async () => {
  await use(wrong)
  const { status, body } = await broker.call('POST', '/v1/admin/reload', { token: await broker.admin() })
  expect({ status, text: JSON.stringify(body) }).toEqual({
    status: 409,
    text: expect.stringContaining('the seal key k1 is another than the one in use under that id'),
  })
  expect((await broker.open()).status).toBe(201)
})

test('where all that tells was spoilt, the glass can still be broken', async () => {
  const { body: task } = await broker.open()
  const { body: minted } = await broker.mint(task)
  const { token } = minted.credential
  await broker.stop()
  beside(broker, (db) =>
    db.exec(
      `update audit_head set head_mac = 'x', state = 'k1.x'; update installation set row_mac = 'k1.x'; update audit_events set mac = 'x' || seq`,
    ),
  )
  expect(await mayfly(['admin', 'revoke', '--all', ...offline], process.env)).toMatchObject({ status: 1 })
  expect(await broker.use(token)).toBe(200)
  const done = await mayfly(['admin', 'revoke', '--all', ...offline, '--lost-seal-key'], process.env)
  expect(done).toMatchObject({ status: 0 })
  expect(await broker.use(token)).toBe(401)
  await broker.start()
  expect((await broker.open()).status).toBe(503)
})

test('a store whose key is lost for good is accepted under a new one, where it is ordered', async () => {
  await broker.stop()
  const accept = ['store', 'accept', '-c', broker.file, '--reason', 'r', '--yes', '--within', '5']
  await mayfly(accept, process.env)
  await use(wrong)
  await writeFile(broker.file, settings.replaceAll('k1', 'k2'))
  const refused = await mayfly(accept, process.env)
  expect(refused).toMatchObject({ status: 1, stdout: '' })
  expect(refused.stderr).toContain('the store is under the seal key k1, which is not configured')
  expect(await mayfly([...accept, '--lost-seal-key'], process.env)).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('accepted: '),
  })
  await broker.start()
  expect((await broker.open()).status).toBe(201)
})
