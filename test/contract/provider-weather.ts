import { describe, expect, test } from 'vitest'
import { asTimePasses } from '../support/clock.ts'
import type { Trial } from './provider-trial.ts'

export function weatherContract<Config, Detail>(trial: Trial<Config, Detail>): void {
  const { patient, mint, failedMint, revoke, alive, entryOf, revocable, propagated } = trial

  describe('while upstream has not heard yet', () => {
    test('a new credential is minted, not called dead, and ended', async ({ skip }) => {
      const { lags, clock, lagMs = 0 } = trial.subject
      if (!lags) return skip()
      const caughtUp = lags()
      try {
        const minted = await asTimePasses(clock, mint())
        expect(['live', 'unknown']).toContain(
          (await asTimePasses(clock, trial.connection.probe(minted.handle, patient()))).result,
        )
        if (!revocable()) return
        await expect(asTimePasses(clock, revoke([minted.handle]))).resolves.toEqual([{ done: true }])
        await clock.advance(lagMs)
        await propagated()
        expect(alive()).not.toContain(entryOf(minted))
        const after = await trial.connection.probe(minted.handle, patient())
        expect(['dead', 'denied', 'gone']).toContain(after.result)
      } finally {
        caughtUp()
      }
    })
  })

  describe('what could not be taken back', () => {
    const nothingMore = async () => {
      const before = trial.subject.ledger.entries.length
      await expect(failedMint()).resolves.toMatchObject({ kind: 'rejected', maybeDone: false })
      expect(trial.subject.ledger.entries).toHaveLength(before)
    }
    const learn = () =>
      trial.connection.maintain?.({ standing: () => Promise.resolve([]), ...patient() }) ?? Promise.resolve()

    test('is not minted once the start has shown it, and minted when that is mended', async ({ skip }) => {
      const { disarm } = trial.subject
      if (!disarm) return skip()
      const rearm = disarm()
      try {
        await learn()
        await nothingMore()
      } finally {
        rearm()
      }
      await learn()
      await expect(mint()).resolves.toBeDefined()
    })

    test('is not minted once a revocation has shown it, and minted when one goes well', async ({ skip }) => {
      const { disarm } = trial.subject
      if (!disarm || !revocable()) return skip()
      const { handle } = await mint()
      const rearm = disarm()
      try {
        await expect(revoke([handle])).resolves.toMatchObject([{ done: false, error: { kind: 'rejected' } }])
        await nothingMore()
      } finally {
        rearm()
      }
      await expect(revoke([handle])).resolves.toEqual([{ done: true }])
      await expect(mint()).resolves.toBeDefined()
    })
  })
}
