import { describe, expect, it } from 'vitest'
import { createSeal } from '../../src/base/seal.ts'
import { note, sealKey, testSeal, verified } from '../support/store.ts'
import { sqliteStore } from '../support/sqlite.ts'
import { history } from './history.ts'

const [k1, k2] = [sealKey('k1', 1), sealKey('k2', 2)]

describe('the audit chain', () => {
  it('verifies as it was written', async () => {
    await using store = await history()
    const { events, discrepancies, head } = await verified(store)
    expect({ events, discrepancies }).toEqual({ events: 8, discrepancies: [] })
    expect(head).toEqual({ seq: 8, mac: expect.stringMatching(/^[A-Za-z0-9_-]{43}$/) })
    expect(await verified(store, { expected: head })).toHaveProperty('discrepancies', [])
  })

  it('verifies while it is empty', async () => {
    await using store = await sqliteStore()
    expect(await verified(store)).toMatchObject({ events: 0, head: { seq: 0 }, discrepancies: [] })
  })

  it('of 10,000 events verifies, and names the one that was altered', async () => {
    await using store = await sqliteStore()
    await Promise.all(
      Array.from({ length: 10 }, (_, part) =>
        store.unit.write(async (tx) => {
          for (let n = 0; n < 1000; n += 1) note(store, tx, { part, n })
        }),
      ),
    )
    expect(await verified(store)).toMatchObject({ events: 10_000, discrepancies: [] })
    await store.beside(`update audit_events set data = '{"part":7,"n":8}' where seq = 7777`)
    expect((await verified(store)).discrepancies).toEqual([
      { seq: 7777, message: 'it is not as it was written, or not where it was written' },
    ])
  })

  it('verifies on after its key was rotated, under both keys', async () => {
    await using old = await history(createSeal([k1]))
    old.seal.rekey([k2, k1])
    await old.unit.write(async (tx) => note(old, tx))
    expect(await verified(old)).toMatchObject({ events: 9, discrepancies: [] })
  })

  it('names the key that is missing, at the first event that needs it', async () => {
    await using store = await history(createSeal([k1]))
    const { discrepancies } = await verified(store, { seal: createSeal([k2]) })
    const key = 'k1'
    expect(discrepancies.filter(({ seq }) => seq !== undefined)).toEqual([
      { seq: 1, key, message: 'its key k1 is not configured' },
      { seq: 8, key, message: 'the key k1 of the stored head is not configured' },
    ])
    expect(discrepancies.every((each) => each.key === key)).toBe(true)
  })

  it('does not verify under another key of the same id', async () => {
    await using store = await history(testSeal())
    const { discrepancies } = await verified(store, { seal: createSeal([sealKey('k1', 9)]) })
    expect(discrepancies[0]).toMatchObject({ seq: 1 })
  })
})
