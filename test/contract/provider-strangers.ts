import { describe, expect, test } from 'vitest'
import { asTimePasses } from '../support/clock.ts'
import type { Trial } from './provider-trial.ts'

const statuses = [401, 403, 404]
const overs = ['dead', 'denied', 'gone', 'expired']

/** Upstream lies, or something in front of it speaks in its place. */
export function strangersContract<Config, Detail>(trial: Trial<Config, Detail>): void {
  const { patient, mint, failedMint, revoke, entryOf, alive, revocable, intentOf } = trial
  const probe = (handle: Record<string, unknown>) =>
    asTimePasses(trial.subject.clock, trial.connection.probe(handle, patient()))
  const minute = () => trial.subject.clock.advance(60_000)

  describe('what stands in front of upstream', () => {
    test.each(statuses)('and answers %i says nothing of a credential', async (status) => {
      const { handle } = await mint()
      await minute()
      trial.subject.faults.add({ kind: 'stranger', status })
      await expect(probe(handle)).resolves.toMatchObject({ result: 'unknown' })
    })

    test.each(statuses)('and answers %i has not revoked, nor refused to for good', async (status) => {
      if (!revocable()) return
      const { handle } = await mint()
      await minute()
      trial.subject.faults.add({ kind: 'stranger', status })
      await expect(revoke([handle])).resolves.toMatchObject([{ done: false, error: { kind: 'unavailable' } }])
    })

    test.each([...statuses, 429])(
      'and answers %i to a mint leaves open whether it was made',
      async (status) => {
        trial.subject.faults.add({ kind: 'stranger', status, on: trial.subject.mints })
        await expect(failedMint()).resolves.toMatchObject({ kind: 'unavailable', maybeDone: true })
      },
    )

    test.each(statuses)(
      'and answers %i to a search for what was lost has not found that it is gone',
      async (status) => {
        const { detail, faults, clock } = trial.subject
        const intent = intentOf(detail)
        faults.add({ kind: 'reset-after-processing', on: trial.subject.mints, times: 1 })
        const before = new Set(alive())
        await trial.connection.mint(detail, intent, patient()).catch(() => undefined)
        const [orphan] = alive().filter((entry) => !before.has(entry))
        await clock.advance(61_000)
        faults.add({ kind: 'stranger', status })
        const recovery = await trial.connection.recover(intent, patient()).catch(() => undefined)
        expect(alive()).toContain(orphan)
        expect(recovery?.gone ?? false).toBe(false)
      },
    )
  })

  describe('an upstream that lies', () => {
    test('and only says that it has revoked is found out', async () => {
      if (!revocable()) return
      const minted = await mint()
      trial.subject.faults.add({ kind: 'pretend', on: trial.subject.revokes })
      await asTimePasses(trial.subject.clock, revoke([minted.handle]))
      const { result } = await probe(minted.handle)
      // What is ended in several steps may be dead by those that were made.
      expect(alive().includes(entryOf(minted)) && overs.includes(result)).toBe(false)
    })
  })
}
