/** The head kept outside the store tells a store that was put back from one that goes on. */
import { copyFileSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { OwnStore } from '../../src/store/own-store.ts'
import { openSqlite } from '../../src/store/sqlite.ts'
import { auditTrail } from '../../src/store/audit.ts'
import { tasks } from '../../src/store/tasks.ts'
import { usedTokens } from '../../src/store/used-tokens.ts'
import { aTask, noon, testSeal } from '../support/store.ts'
import { temporaryPath } from '../support/sqlite.ts'

const event = { at: noon, type: 'broker.started', actor: 'broker' } as const

async function place() {
  const { path, remove } = await temporaryPath()
  onTestFinished(remove)
  const lastHead = join(path, '..', 'mayfly-head')
  let open: OwnStore | undefined
  onTestFinished(async () => open?.close())
  const warnings: string[] = []
  const log = {
    info: () => undefined,
    warn: (_: object, text: string) => void warnings.push(text),
    error: () => undefined,
  }
  return {
    path,
    lastHead,
    warnings,
    async open() {
      await open?.close()
      open = await openSqlite(path, testSeal(), { lastHead, log })
      return open
    },
    async close() {
      await open?.close()
      open = undefined
    },
    known: () => JSON.parse(readFileSync(lastHead, 'utf8')) as Record<string, unknown>,
  }
}

const note = (store: OwnStore) => store.unit.write(async (tx) => auditTrail().record(tx, event))
const opening = (store: OwnStore) => store.unit.write((tx) => tasks.insert(tx, aTask(), 'a token'))

describe('the last head', () => {
  it('is in its file by the time that write resolves, for its owner alone', async () => {
    const at = await place()
    const store = await at.open()
    await note(store)
    expect(at.known()).toMatchObject({ seq: 1, mac: expect.stringMatching(/^[\w-]{43}$/) })
    const before = at.known()['commits'] as number
    // Not all that is written is on record.
    await store.unit.write((tx) => usedTokens.use(tx, 'a key', noon))
    expect(at.known()).toMatchObject({ seq: 1, commits: before + 1 })
    expect(statSync(at.lastHead).mode & 0o777).toBe(0o600)
    await note(store)
    await at.open()
    expect(store.intrusion.doubts).toEqual([])
  })

  it.each(['an event', 'what is not on record'])('tells a store that lacks %s', async (what) => {
    const at = await place()
    await note(await at.open())
    await at.close()
    copyFileSync(at.path, `${at.path}.kept`)
    const later = await at.open()
    if (what === 'an event') await note(later)
    else
      for (const key of ['one', 'two', 'three']) await later.unit.write((tx) => usedTokens.use(tx, key, noon))
    const known = at.known()
    await at.close()
    copyFileSync(`${at.path}.kept`, at.path)
    const restored = await at.open()
    expect(restored.intrusion.doubts).toEqual([expect.stringContaining('was kept outside it')])
    await expect(opening(restored)).rejects.toHaveProperty('code', 'unavailable')
    // Whatever is still ended in it does not make it the newest.
    for (let n = 0; n < 5; n += 1) await note(restored)
    expect(at.known()).toEqual(known)
    const again = await at.open()
    expect(again.intrusion.doubts).toHaveLength(1)
    await again.accept(() => ({ ...event, type: 'store.accepted' }))
    expect(again.intrusion.doubts).toEqual([])
    await opening(again)
    expect((await at.open()).intrusion.doubts).toEqual([])
  })

  it('tells another store in its place, also a new one', async () => {
    const at = await place()
    await note(await at.open())
    await at.close()
    for (const end of ['', '-wal', '-shm']) rmSync(`${at.path}${end}`, { force: true })
    const { intrusion } = await at.open()
    expect(intrusion.doubts).toEqual([
      `the store is another than the one whose head was kept outside it, in ${at.lastHead}`,
    ])
  })

  it('says where the store ends, and where it should', async () => {
    const at = await place()
    await note(await at.open())
    await at.close()
    copyFileSync(at.path, `${at.path}.kept`)
    const restored = async () => {
      await at.close()
      copyFileSync(`${at.path}.kept`, at.path)
      return (await at.open()).intrusion.doubts
    }
    for (const key of ['one', 'two', 'three'])
      await (await at.open()).unit.write((tx) => usedTokens.use(tx, key, noon))
    expect(await restored()).toEqual([
      `the store lacks what was written since event 1, whose head was kept outside it, in ${at.lastHead}`,
    ])
    const { installation } = at.known()
    const known = (head: object) => writeFileSync(at.lastHead, JSON.stringify({ installation, ...head }))
    known({ commits: 1, seq: 1, mac: 'of another event' })
    expect(await restored()).toEqual([
      `the store has another event 1 than the one whose head was kept outside it, in ${at.lastHead}`,
    ])
    known({ commits: 1, seq: 9, mac: 'of a later event' })
    expect(await restored()).toEqual([
      `the store ends at event 1, before event 9, whose head was kept outside it, in ${at.lastHead}`,
    ])
  })

  it('that cannot be read is a doubt; that is missing, or cannot be kept, is none', async () => {
    const at = await place()
    await note(await at.open())
    await at.close()
    writeFileSync(at.lastHead, 'nonsense')
    expect((await at.open()).intrusion.doubts).toEqual([expect.stringContaining('cannot be read')])
    await at.close()
    rmSync(at.lastHead)
    const store = await openSqlite(at.path, testSeal(), { lastHead: join(at.path, 'no', 'folder') })
    onTestFinished(() => store.close())
  })
})
