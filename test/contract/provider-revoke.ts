import { describe, expect, test } from 'vitest'
import { createShared } from '../../src/provider/services.ts'
import { asTimePasses } from '../support/clock.ts'
import type { Trial } from './provider-trial.ts'

export function revokeContract<Config, Detail>(trial: Trial<Config, Detail>): void {
  const { patient, mint, revoke, entryOf, alive, propagated, revocable, hang } = trial

  describe('revoking', () => {
    test('ends the credential, and no other', async ({ skip }) => {
      if (!revocable()) skip()
      const [first, second] = await Promise.all([mint(), mint()])
      await expect(revoke([first.handle])).resolves.toEqual([{ done: true }])
      await propagated()
      expect(alive()).not.toContain(entryOf(first))
      expect(alive()).toContain(entryOf(second))
    })

    test('gives one outcome a handle', async ({ skip }) => {
      if (!revocable()) skip()
      const minted = await Promise.all(
        Array.from({ length: Math.min(3, trial.connection.revokesAtOnce) }, () => mint()),
      )
      const outcomes = await revoke(minted.map(({ handle }) => handle))
      expect(outcomes).toEqual(minted.map(() => ({ done: true })))
      await propagated()
      for (const one of minted) expect(alive()).not.toContain(entryOf(one))
    })

    test('is done the second time too', async ({ skip }) => {
      if (!revocable()) skip()
      const { handle } = await mint()
      await revoke([handle])
      await expect(asTimePasses(trial.subject.clock, revoke([handle]))).resolves.toEqual([{ done: true }])
    })

    test('is done for a credential that upstream has let expire', async () => {
      const minted = await mint()
      await trial.subject.clock.advance(entryOf(minted).expiresAt - trial.subject.clock.now() + 1000)
      await expect(revoke([minted.handle])).resolves.toEqual([{ done: true }])
    })

    test('works from a connection that minted nothing, as after a restart', async ({ skip }) => {
      if (!revocable()) skip()
      const minted = await mint()
      const restarted = await trial.subject.provider.connect(trial.subject.config, {
        ...trial.subject.context,
        shared: createShared(),
      })
      await expect(revoke([minted.handle], patient(), restarted)).resolves.toEqual([{ done: true }])
      await propagated()
      expect(alive()).not.toContain(entryOf(minted))
    })

    test('is not done while upstream is out, and done once it is back', async ({ skip }) => {
      if (!revocable()) skip()
      const minted = await mint()
      const headers = { 'retry-after': '7' }
      const outage = trial.subject.faults.add({
        kind: 'status',
        status: 503,
        headers,
        on: trial.subject.revokes,
      })
      await expect(revoke([minted.handle])).resolves.toMatchObject([
        { done: false, error: { name: 'ProviderError', kind: 'unavailable', retryAfter: 7 } },
      ])
      expect(alive()).toContain(entryOf(minted))
      outage.clear()
      await expect(revoke([minted.handle])).resolves.toEqual([{ done: true }])
    })

    test('ends with the signal when upstream hangs', async ({ skip }) => {
      if (!revocable()) skip()
      const minted = await mint()
      const limit = new AbortController()
      const arrived = hang(trial.subject.revokes)
      const outcome = revoke([minted.handle], { signal: limit.signal })
      await arrived
      limit.abort(new DOMException('too late', 'TimeoutError'))
      await expect(outcome).resolves.toMatchObject([{ done: false, error: { kind: 'unavailable' } }])
    })
  })
}
