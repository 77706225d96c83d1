/** The books of the upstreams. */
import { expect, test } from 'vitest'
import { createLedger } from '../../src/sandbox/ledger.ts'

test('what an upstream has ended is over by its own clock, though the machine’s was set back meanwhile', () => {
  const ahead = 60_000
  const clock = { now: () => Date.now() + ahead }
  const ledger = createLedger(clock)
  const entry = ledger.record({
    provider: 'github',
    secret: 'one',
    fingerprint: 'its',
    mintedAt: clock.now(),
    expiresAt: clock.now() + 3_600_000,
    scope: {},
  })
  expect(ledger.alive()).toEqual([entry])
  entry.revokedAt = clock.now()
  expect(ledger.alive()).toEqual([])
  expect(ledger.alive(entry.mintedAt - 1)).toEqual([entry])
})
