import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openSqlite, openSqliteReadOnly } from '../../src/store/sqlite.ts'
import { auditTrail } from '../../src/store/audit.ts'
import { testSeal, verified } from '../support/store.ts'
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
