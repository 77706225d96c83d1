import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, readdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openSqlite, openSqliteReadOnly } from '../../src/store/sqlite.ts'
import { auditTrail } from '../../src/store/audit.ts'
import { events, note, testSeal, verified } from '../support/store.ts'
import { sqliteStore, temporaryPath } from '../support/sqlite.ts'

const holder = fileURLToPath(new URL('holder.ts', import.meta.url))

describe('one broker owns a SQLite file', () => {
  it('a second one is refused while the first has it, and admitted after', async () => {
    await using store = await sqliteStore()
    await expect(openSqlite(store.path, testSeal())).rejects.toThrow(
      `another broker is running on ${store.path}`,
    )
    await store.close()
    const second = await openSqlite(store.path, testSeal())
    await second.close()
  })

  it('a second one is admitted after the first was killed, and finds what was written', async () => {
    const { path, remove } = await temporaryPath()
    onTestFinished(remove)
    const first = spawn(process.execPath, [holder, path], { stdio: ['ignore', 'pipe', 'inherit'] })
    onTestFinished(() => void first.kill('SIGKILL'))
    await once(first.stdout, 'data')
    await expect(openSqlite(path, testSeal())).rejects.toThrow('another broker')
    first.kill('SIGKILL')
    await once(first, 'exit')
    const second = await openSqlite(path, testSeal())
    const chain = await second.unit.read((tx) => auditTrail().page(tx, 0, 10))
    await second.close()
    expect(chain.map(({ seq, type }) => [seq, type])).toEqual([[1, 'broker.started']])
  })

  it('a second one is refused also when the lock file was removed', async () => {
    const { path, remove } = await temporaryPath()
    onTestFinished(remove)
    const first = spawn(process.execPath, [holder, path], { stdio: ['ignore', 'pipe', 'inherit'] })
    onTestFinished(() => void first.kill('SIGKILL'))
    await once(first.stdout, 'data')
    rmSync(`${path}-lock`)
    await expect(openSqlite(path, testSeal())).rejects.toThrow('another broker')
    first.kill('SIGKILL')
    await once(first, 'exit')
    await (await openSqlite(path, testSeal())).close()
  })

  it('one that cannot see the first takes over, and the first writes no more', async () => {
    await using store = await sqliteStore()
    await store.unit.write(async (tx) => note(store, tx))
    // As from another container: the lock is another file, and the process cannot be found.
    rmSync(`${store.path}-lock`)
    const script = `
      import { createSeal } from '${import.meta.dirname}/../../src/base/seal.ts'
      import { openSqlite } from '${import.meta.dirname}/../../src/store/sqlite.ts'
      import fs from 'node:fs'
      import { syncBuiltinESMExports } from 'node:module'
      const read = fs.readFileSync
      fs.readFileSync = (path, ...rest) => (String(path).startsWith('/proc/') ? '' : read(path, ...rest))
      syncBuiltinESMExports()
      const store = await openSqlite(process.argv[1], createSeal([{ id: 'k1', secret: Buffer.alloc(32, 1) }]))
      await store.close()`
    const args = ['--input-type=module-typescript', '-e', script, store.path]
    const second = spawn(process.execPath, args, { stdio: 'inherit' })
    expect(await once(second, 'exit')).toEqual([0, null])
    await expect(store.unit.write(async (tx) => note(store, tx))).rejects.toHaveProperty(
      'code',
      'unavailable',
    )
    expect(await events(store)).toHaveLength(1)
  })

  it('its files are its owner’s alone, whatever the umask, and are made so where they were not', async () => {
    const { path, remove } = await temporaryPath()
    onTestFinished(remove)
    const before = process.umask(0)
    onTestFinished(() => void process.umask(before))
    const said: string[] = []
    const log = {
      info: () => undefined,
      warn: (facts: object) => void said.push(JSON.stringify(facts)),
      error: () => undefined,
    }
    const open = () => openSqlite(path, testSeal(), { log, lastHead: join(path, '..', 'mayfly-head') })
    const modes = () =>
      Object.fromEntries(
        readdirSync(dirname(path)).map((name) => [name, statSync(join(dirname(path), name)).mode & 0o777]),
      )
    const first = await open()
    const names = ['mayfly.db', 'mayfly.db-wal', 'mayfly.db-shm', 'mayfly.db-lock', 'mayfly-head']
    expect(Object.keys(modes())).toEqual(expect.arrayContaining(names))
    expect(new Set(Object.values(modes()))).toEqual(new Set([0o600]))
    await first.close()
    expect(said).toEqual([])
    for (const name of Object.keys(modes())) chmodSync(join(dirname(path), name), 0o644)
    const second = await open()
    onTestFinished(() => second.close())
    expect(new Set(Object.values(modes()))).toEqual(new Set([0o600]))
    expect(said.join()).toContain('mayfly.db')
  })

  it('anyone may read beside it, and nobody write', async () => {
    await using store = await sqliteStore()
    await store.unit.write(async (tx) =>
      store.audit.record(tx, { at: 0, type: 'broker.started', actor: 'broker' }),
    )
    const reader = await openSqliteReadOnly(store.path, testSeal())
    onTestFinished(() => reader.close())
    expect(await reader.unit.read((tx) => store.audit.head(tx))).toHaveProperty('seq', 1)
    await expect(reader.unit.write(async () => undefined)).rejects.toHaveProperty('code', 'unavailable')
    const { discrepancies } = await verified({ ...store, unit: reader.unit })
    expect(discrepancies).toEqual([])
  })
})
