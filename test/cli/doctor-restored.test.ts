/** `mayfly doctor` on a store that was put back to an earlier state: a broker grants nothing from it. */
import { copyFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Check } from '../../src/cli/doctor/check.ts'
import { mayfly } from '../support/mayfly.ts'
import { sharedBroker } from '../support/shared-broker.ts'

const broker = await sharedBroker()
const [store, kept] = ['mayfly.db', 'kept.db'].map((name) => join(broker.directory, name)) as [string, string]

async function looked() {
  const { status, stdout } = await mayfly(['doctor', '-c', broker.file, '--json'])
  const { checks } = JSON.parse(stdout) as { checks: Check[] }
  return { status, store: checks.filter(({ check }) => check === 'store') }
}

test('a restored older store is a fault, before a broker starts on it and beside one that has', async () => {
  await broker.stop()
  await copyFile(store, kept)
  await broker.start()
  await broker.complete((await broker.open()).body)
  expect(await looked()).toMatchObject({ status: 0, store: [{ status: 'ok' }] })
  await broker.stop()
  await copyFile(kept, store)
  const fault = {
    status: 'fault',
    message: expect.stringContaining('was kept outside it'),
    remedy: expect.stringContaining('mayfly audit verify'),
  }
  expect(await looked()).toMatchObject({ status: 1, store: [fault] })
  await broker.start()
  expect((await broker.open()).status).toBe(503)
  const beside = await looked()
  expect(beside).toMatchObject({ status: 1, store: [fault, fault] })
  expect(beside.store[0]!.message).toContain('nobody has accepted that yet')
})

test('a plain copy of the file of a running broker is a fault, where no head outside tells more', async () => {
  // That somebody has the file stands in it; the newest events are in its log alone.
  await copyFile(store, kept)
  await broker.stop()
  await copyFile(kept, store)
  await rm(join(broker.directory, 'mayfly-head'))
  expect((await looked()).store.map(({ message }) => message)).toContainEqual(
    expect.stringContaining('plain copy'),
  )
})
