/** `mayfly doctor` where the upstreams that read the broker's keys cannot, because no broker runs that would publish them. */
import { readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Check } from '../../src/cli/doctor/check.ts'
import { everyUpstream } from '../../src/sandbox/configuration.ts'
import { beside, rows } from '../support/database.ts'
import { mayfly } from '../support/mayfly.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker({ settings: (sandbox, port) => everyUpstream(sandbox, port).settings })
const { jwt } = broker.sandbox.vault.settings

async function looked() {
  const { status, stdout } = await mayfly(['doctor', '-c', broker.file, '--json'])
  const checks = (JSON.parse(stdout) as { checks: Check[] }).checks
  const ofStore = checks.filter(({ check }) => check === 'store')
  return {
    status,
    store: ofStore,
    connections: checks.filter(({ check }) => /^connection (?:aws|vault)/.test(check)),
  }
}
const unread = ['aws/prod', 'vault/main'].map((name) => ({
  check: `connection ${name}`,
  status: 'warning',
  message: expect.stringMatching(
    `^not looked at, for it reads the broker's keys at ${broker.url}, where no broker answers: \\S`,
  ),
  remedy: 'Start the broker, then run this again.',
}))

test('a broker that runs is known to them, or that is a fault', async () => {
  const known = await looked()
  expect(known.status).toBe(0)
  expect(known.connections.filter(({ message }) => message.startsWith('not looked at'))).toEqual([])
  jwt.boundIssuer = 'https://else.test'
  const unknown = await looked()
  jwt.boundIssuer = broker.url
  expect(unknown.status).toBe(1)
  expect(unknown.connections).toContainEqual(
    expect.objectContaining({
      check: 'connection vault/main',
      status: 'fault',
      message: expect.stringContaining('400'),
    }),
  )
})

test('once it was stopped, that is said, and is no fault', async () => {
  await broker.stop()
  expect(await looked()).toMatchObject({ status: 0, connections: unread })
})

test('a key that cannot be opened is a fault all the same: no start mends it', async () => {
  const [key] = rows(broker, 'federation_keys')
  const put = (sealed: string) =>
    beside(broker, (db) => db.prepare('update federation_keys set sealed = ?').run(sealed))
  put('k1.AAAA')
  const spoilt = await looked()
  put(key!.sealed)
  expect(spoilt.status).toBe(1)
  expect(spoilt.connections).toMatchObject([{ status: 'fault' }, { status: 'fault' }])
})

test('a store that no broker has given back may be that of one that runs, where `url` does not lead: a fault', async () => {
  await broker.start()
  const files = ['mayfly.db', 'mayfly.db-wal', 'mayfly-head'].map((name) => join(broker.directory, name))
  const running = await Promise.all(files.map((file) => readFile(file)))
  await broker.stop()
  // As a broker leaves it that is killed, or has it while it runs in another container.
  for (const [at, file] of files.entries()) await writeFile(file, running[at]!)
  const held = await looked()
  expect(held).toMatchObject({ status: 1, store: [{ status: 'ok' }] })
  expect(held.connections).toMatchObject([{ status: 'fault' }, { status: 'fault' }])
})

test('before its first start likewise; not where the head of a store is kept that is no longer there', async () => {
  await broker.start()
  await broker.stop()
  for (const file of ['mayfly.db', 'mayfly.db-wal', 'mayfly.db-shm'])
    await rm(join(broker.directory, file), { force: true })
  const lost = await looked()
  await rm(join(broker.directory, 'mayfly-head'))
  expect(lost).toMatchObject({
    status: 1,
    store: [{ status: 'fault', message: expect.stringContaining('though the head of its record is kept') }],
  })
  expect(await looked()).toMatchObject({ status: 0, store: [{ status: 'ok' }], connections: unread })
})

test('what has the address of the broker may be one that its own `url` does not lead to: a fault', async () => {
  const { port, hostname } = new URL(broker.url)
  const server = createServer((_request, response) => response.writeHead(404).end())
  await new Promise<void>((resolve) => server.listen(Number(port), hostname, resolve))
  const { status, connections } = await looked()
  server.close()
  expect(status).toBe(1)
  expect(connections.map(({ check, status: found }) => [check, found])).toEqual([
    ['connection aws/prod', 'fault'],
    ['connection vault/main', 'fault'],
  ])
})
