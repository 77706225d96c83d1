import { describe, expect, test } from 'vitest'
import type { Trial } from './provider-trial.ts'

export function probeContract<Config, Detail>(trial: Trial<Config, Detail>): void {
  const { patient, mint, revoke, propagated, revocable } = trial

  describe('probing', () => {
    test('never calls a live credential dead, nor a dead one live', async ({ skip }) => {
      const minted = await mint()
      const before = await trial.connection.probe(minted.handle, patient())
      expect(before.at).toBe(trial.subject.clock.now())
      expect(before.method).not.toBe('')
      expect(['live', 'unknown']).toContain(before.result)
      if (!revocable()) skip()
      await revoke([minted.handle])
      await propagated()
      const after = await trial.connection.probe(minted.handle, patient())
      expect(['dead', 'denied', 'gone']).toContain(after.result)
    })

    test('knows nothing while upstream is out', async () => {
      const { handle } = await mint()
      trial.subject.faults.add({ kind: 'status', status: 500 })
      await expect(trial.connection.probe(handle, patient())).resolves.toMatchObject({ result: 'unknown' })
    })

    test('shows the handle of a mint to nobody', async () => {
      const minted = await mint()
      const { method } = await trial.connection.probe(minted.handle, patient())
      expect(method).not.toContain(trial.subject.secretOf(minted))
    })
  })
}
