/** `mayfly doctor` where the upstreams that read the broker's keys cannot, because no broker runs that would publish them. */
import { rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Check } from '../../src/cli/doctor/check.ts'
import { everyUpstream } from '../../src/sandbox/configuration.ts'
import { mayfly } from '../support/mayfly.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker({ settings: (sandbox, port) => everyUpstream(sandbox, port).settings })
const { jwt } = broker.sandbox.vault.settings

async function looked() {
  const { status, stdout } = await mayfly(['doctor', '-c', broker.file, '--json'])
  const checks = (JSON.parse(stdout) as { checks: Check[] }).checks
  return { status, connections: checks.filter(({ check }) => /^connection (?:aws|vault)/.test(check)) }
}
const unread = ['aws/prod', 'vault/main'].map((name) => ({
  check: `connection ${name}`,
  status: 'warning',
  message: `not looked at: it reads the broker's keys at ${broker.url}, where no broker answers`,
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
  expect(await looked()).toEqual({ status: 0, connections: unread })
})

test('before its first start likewise', async () => {
  for (const file of ['mayfly.db', 'mayfly.db-wal', 'mayfly.db-shm', 'mayfly-head'])
    await rm(join(broker.directory, file), { force: true })
  expect(await looked()).toEqual({ status: 0, connections: unread })
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
