import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { ProviderError } from '../../src/provider/failure.ts'
import { asTimePasses } from '../support/clock.ts'
import { deadAddress } from '../support/dead-address.ts'
import type { Trial } from './provider-trial.ts'

export function failureContract<Config, Detail>(trial: Trial<Config, Detail>): void {
  const { patient, intentOf, mint, failedMint, revoke, alive, revocable, hang } = trial

  describe('when upstream fails', () => {
    test('an outage is unavailable, with the time that upstream names', async () => {
      trial.subject.faults.add({
        kind: 'status',
        status: 503,
        headers: { 'retry-after': '7' },
        on: trial.subject.mints,
      })
      await expect(failedMint()).resolves.toMatchObject({ kind: 'unavailable', retryAfter: 7 })
    })

    test('one that something in front of upstream tells of leaves open what was done', async () => {
      trial.subject.faults.add({ kind: 'stranger', status: 502, on: trial.subject.mints })
      await expect(failedMint()).resolves.toMatchObject({ kind: 'unavailable', maybeDone: true })
    })

    test('an upstream that cannot be reached has done nothing', async () => {
      const { provider, at, context } = trial.subject
      const nowhere = await provider.connect(at(await deadAddress()), context)
      await expect(failedMint(patient(), nowhere)).resolves.toMatchObject({
        kind: 'unavailable',
        maybeDone: false,
        message: expect.stringContaining('cannot be reached: the connection was refused'),
      })
    })

    test('a hang ends with the signal, and leaves open what was done', async () => {
      const limit = new AbortController()
      const arrived = hang(trial.subject.mints)
      const error = failedMint({ signal: limit.signal })
      await arrived
      limit.abort(new DOMException('too late', 'TimeoutError'))
      await expect(error).resolves.toMatchObject({ kind: 'unavailable', maybeDone: true })
    })

    test('a mint that comes late, when a recovery has looked already, is not lost sight of', async () => {
      const before = new Set(alive())
      const intent = intentOf(trial.subject.detail)
      const recover = () => trial.connection.recover(intent, patient())
      const looked = await recover().catch((error: unknown) => error)
      await trial.connection.mint(trial.subject.detail, intent, patient())
      const recovery = looked instanceof ProviderError ? await recover() : looked
      for (const { expiresAt } of alive().filter((entry) => !before.has(entry))) {
        expect(recovery).toMatchObject({ gone: false })
        expect((recovery as { liveUntil: number }).liveUntil).toBeGreaterThanOrEqual(expiresAt)
      }
    })

    test.each(['reset-after-processing', 'garbage'] as const)(
      'a lost answer (%s) may hide a credential, and its recovery never says gone while it lives',
      async (kind) => {
        const before = new Set(alive())
        const fault = trial.subject.faults.add({ kind, on: trial.subject.mints })
        const intent = intentOf(trial.subject.detail)
        const error: unknown = await trial.connection
          .mint(trial.subject.detail, intent, patient())
          .catch((e: unknown) => e)
        expect(error).toBeInstanceOf(ProviderError)
        expect(error).toMatchObject({ kind: 'unavailable', maybeDone: true })
        fault.clear()
        const orphans = alive().filter((entry) => !before.has(entry))
        expect(orphans).toHaveLength(1)

        const recovery = await trial.connection.recover(intent, patient())
        for (const orphan of alive().filter((entry) => orphans.includes(entry))) {
          expect(recovery).toMatchObject({ gone: false })
          if (!recovery.gone) expect(recovery.liveUntil).toBeGreaterThanOrEqual(orphan.expiresAt)
        }
      },
    )

    test('a signal that was aborted before is answered at once, and nothing is sent', async () => {
      const { handle } = await mint()
      const aborted = { signal: AbortSignal.abort() }
      const reached = trial.subject.faults.add({ kind: 'hang' })
      await expect(failedMint(aborted)).resolves.toMatchObject({ kind: 'unavailable', maybeDone: false })
      if (revocable()) await expect(revoke([handle], aborted)).resolves.toMatchObject([{ done: false }])
      await expect(trial.connection.probe(handle, aborted)).resolves.toMatchObject({ result: 'unknown' })
      expect(reached.hits).toBe(0)
    })

    test.each([400, 401, 403, 404, 422, 429, 500, 503])(
      'an error for %i holds neither a secret nor what upstream said',
      async (status) => {
        const minted = await mint()
        const secrets = [trial.subject.secretOf(minted), ...trial.subject.secrets]
        const said = 'canary-of-upstream'
        const body = { message: said, errors: [said, ...secrets] }
        trial.subject.faults.add({ kind: 'status', status, body, headers: { 'x-canary': said } })
        const error = await failedMint()
        const outcomes = await asTimePasses(trial.subject.clock, revoke([minted.handle]))
        for (const word of [said, ...secrets]) {
          expect(inspect([error, outcomes], { depth: Infinity, showHidden: true })).not.toContain(word)
        }
        // OAuth clients are told of no other characters (RFC 6749, section 5.2).
        const errors = [error, ...outcomes.flatMap((outcome) => (outcome.done ? [] : outcome.error))]
        for (const { message } of errors) expect(message).toMatch(/^[\x20-\x7e]+$/)
      },
    )
  })
}
